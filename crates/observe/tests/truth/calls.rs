//! Bare system calls: what is asked of the kernel has to be what it says here.
#![allow(unsafe_code, reason = "one way to make any call")]

/// Makes a call; the errno where it fails.
pub fn call<const N: usize>(number: i64, arguments: [i64; N]) -> Result<i64, i32> {
    let mut all = [0; 6];
    all[..N].copy_from_slice(&arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: every argument is a number, or the address of memory that the caller owns and that
    // outlives the call; none makes the kernel write beyond it.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answer == -1 {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap())
    } else {
        Ok(answer)
    }
}

/// The address of something that outlives the call.
pub fn at<T: ?Sized>(value: &T) -> i64 {
    std::ptr::from_ref(value).cast::<u8>() as i64
}
