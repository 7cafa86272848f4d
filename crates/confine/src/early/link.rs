// What a build script tells the linker and the compiler where a program begins before the C library
// does; included by those of the binary and of this crate. `kind` is what is linked so.
fn begin_early(kind: &str) {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(starts_early)");
    let is = |key: &str, value: &str| {
        std::env::var(format!("CARGO_CFG_TARGET_{key}"))
            .is_ok_and(|values| values.split(',').any(|one| one == value))
    };
    // Linked to a library that the loader brings, the C library has started before anything else.
    if is("OS", "linux") && is("ARCH", "x86_64") && is("ENV", "gnu") && is("FEATURE", "crt-static") {
        println!("cargo::rustc-cfg=starts_early");
        println!("cargo::rustc-link-arg-{kind}=-Wl,--entry=dropcap_start");
        for function in ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen", "memchr", "memrchr"] {
            println!("cargo::rustc-link-arg-{kind}=-Wl,--wrap={function}");
        }
    }
}
