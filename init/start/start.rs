//! The first instruction of the program, and the few functions that the compiler expects of a libc.
//!
//! Compiled and linked by `agent/build.rs` with the library beside it; see there.

#![no_std]
#![no_main]
// The loops below must not become calls of what they define.
#![no_builtins]

use core::arch::global_asm;
use core::panic::PanicInfo;

use lilac_init::BROKEN;
use lilac_init::program::sys::{self, Words};

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor %ebp, %ebp",
    "mov %rsp, %rdi",
    "and $-16, %rsp",
    "call lilac_start",
    options(att_syntax)
);

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, #0", "mov x30, #0", "mov x0, sp", "bl lilac_start");

// The compiled `core` names it for unwinding, which never happens here.
global_asm!(".globl rust_eh_personality", "rust_eh_personality:");

/// # Safety
/// Called once, with the stack as the kernel left it.
#[unsafe(no_mangle)]
unsafe extern "C" fn lilac_start(stack: *const usize) -> ! {
    // SAFETY: `_start` hands over the kernel's stack pointer.
    let words = unsafe { Words::of_stack(stack) };
    sys::exit(lilac_init::program::run(words))
}

/// As PID 1 ends, so does all in the container.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    sys::exit(BROKEN)
}

// SAFETY of all: as for C's functions of these names, which is what the compiler promises.

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    let mut index = 0;
    while index < length {
        unsafe { *to.add(index) = *from.add(index) };
        index += 1;
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if (to as usize) <= from as usize {
        return unsafe { memcpy(to, from, length) };
    }
    let mut index = length;
    while index > 0 {
        index -= 1;
        unsafe { *to.add(index) = *from.add(index) };
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
    let mut index = 0;
    while index < length {
        unsafe { *to.add(index) = byte.to_le_bytes()[0] };
        index += 1;
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    let mut index = 0;
    while index < length {
        let (a, b) = unsafe { (*one.add(index), *other.add(index)) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
        index += 1;
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    unsafe { memcmp(one, other, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    length
}
