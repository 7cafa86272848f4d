//! A program that begins before the C library does. What it finds there it says by its exit status:
//! 0 where all is as it should be, else the number of the line below that is not.
//!
//! Called with `hand-over`, it leaves the rest to `main`.
#![allow(unsafe_code, reason = "the C library's functions are what is tried")]

#[cfg(starts_early)]
mod program {
    use dropcap_confine::early::{EarlyMemory, Given};
    use std::ffi::{c_int, c_void};

    dropcap_confine::entry!(early);

    #[global_allocator]
    static MEMORY: EarlyMemory = EarlyMemory;

    thread_local! {
        static INITIALISED: std::cell::Cell<u64> = const { std::cell::Cell::new(0x1234_5678) };
    }

    fn early(given: Given) {
        if given.arguments.get(1).is_some_and(|word| word == "hand-over") {
            return;
        }
        let status = failed(&given).map_or(0, |line| c_int::try_from(line).unwrap_or(255));
        // SAFETY: it does not return.
        unsafe { libc::_exit(status) }
    }

    /// The line of the first claim that does not hold.
    fn failed(given: &Given) -> Option<u32> {
        macro_rules! claim {
            ($holds:expr) => {
                if !$holds {
                    return Some(line!());
                }
            };
        }
        // Not the C library's start, where these are found.
        claim!(std::env::args_os().len() == 0);
        claim!(given.arguments.len() == 3 && given.arguments[2].is_empty());
        claim!(given.environment.contains(&("EARLY".into(), "a=b".into())));
        claim!(INITIALISED.get() == 0x1234_5678);
        claim!(rustix::fs::stat("/no such file").is_err());
        claim!(std::fs::read("/no such file").is_err_and(|error| error.raw_os_error() == Some(2)));
        claim!(std::fs::read("/proc/self/stat").is_ok_and(|text| !text.is_empty()));

        let bytes: Vec<u8> = (0..=250).cycle().take(1200).collect();
        for length in (0..=66).chain([128, 129, 300, 511, 512, 513, 600]) {
            let mut buffer = vec![7_u8; 1200];
            let at = buffer.as_mut_ptr();
            let from = bytes.as_ptr().cast::<c_void>();
            // SAFETY: every offset and length below is inside of 1,200 bytes.
            unsafe {
                claim!(libc::memcpy(at.add(3).cast(), from, length) == at.add(3).cast());
                claim!(buffer[2] == 7 && buffer[3 + length] == 7);
                claim!(buffer[3..3 + length] == bytes[..length]);
                for (to, start) in [(0, 5), (5, 0), (4, 4), (1, 0), (0, 1), (299, 0), (0, 299)] {
                    buffer.copy_from_slice(&bytes);
                    let at = buffer.as_mut_ptr();
                    libc::memmove(at.add(to).cast(), at.add(start).cast(), length);
                    for (offset, byte) in buffer.iter().enumerate() {
                        let moved = (to..to + length).contains(&offset);
                        claim!(*byte == bytes[if moved { offset - to + start } else { offset }]);
                    }
                }
                let at = buffer.as_mut_ptr();
                claim!(libc::memset(at.cast(), 0x1ff, length) == at.cast());
                claim!(buffer[..length].iter().all(|byte| *byte == 0xff));
                claim!(buffer[length] == bytes[length]);

                let mut other = bytes.clone();
                claim!(libc::memcmp(other.as_ptr().cast(), from, length) == 0);
                if let Some(last) = length.checked_sub(1) {
                    other[last] = 0xff;
                    claim!(libc::memcmp(other.as_ptr().cast(), from, length) > 0);
                    claim!(libc::memcmp(from, other.as_ptr().cast(), length) < 0);
                    claim!(other[..length] != bytes[..length]);
                    // The first that differs decides.
                    other[length / 2] = 0xff;
                    other[last] = if length / 2 < last { 0 } else { 0xff };
                    claim!(libc::memcmp(other.as_ptr().cast(), from, length) > 0);
                }

                buffer.fill(9);
                for found in [None, Some(0), Some(length / 2), length.checked_sub(1)] {
                    let Some(offset) = found.filter(|offset| *offset < length) else {
                        claim!(libc::memchr(buffer.as_ptr().cast(), 1, length).is_null());
                        claim!(libc::memrchr(buffer.as_ptr().cast(), 1, length).is_null());
                        continue;
                    };
                    buffer[offset] = 1;
                    let at = buffer.as_ptr().add(offset).cast_mut().cast();
                    claim!(libc::memchr(buffer.as_ptr().cast(), 0x101, length) == at);
                    claim!(libc::memrchr(buffer.as_ptr().cast(), 0x101, length) == at);
                    buffer[offset] = 0;
                    claim!(libc::strlen(buffer.as_ptr().cast()) == offset);
                    buffer[offset] = 9;
                }
            }
        }
        // What came back is given again.
        let used = vec![7_u8; 100];
        let address = used.as_ptr().addr();
        drop(used);
        let mut zeroed = vec![0_u8; 100];
        claim!(zeroed.as_ptr().addr() == address && zeroed.iter().all(|byte| *byte == 0));
        zeroed.push(1);
        claim!(zeroed.as_ptr().addr() == address && zeroed.pop() == Some(1));

        // More than the fixed piece has.
        let mut large = vec![1_u8; 3 << 20];
        large.resize(5 << 20, 2);
        claim!(large[0] == 1 && large[(3 << 20) - 1] == 1 && large[3 << 20] == 2);
        None
    }
}

fn main() {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    assert_eq!(words, ["hand-over"], "the C library's start has the arguments");
    assert_eq!(std::env::var("EARLY").as_deref(), Ok("a=b"));
    let thread = std::thread::spawn(|| vec![0_u8; 1 << 20].len());
    assert_eq!(thread.join().ok(), Some(1 << 20));
}
