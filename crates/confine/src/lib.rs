//! Part of dropcap.
