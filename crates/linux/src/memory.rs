//! What the allocator does with the buffers of pictures.

/// Makes the allocator keep freed buffers of up to a megabyte instead of giving them back to the system.
///
/// Every frame is a buffer of some ten to some hundred kilobytes that lives for a moment. Given back, its pages are
/// faulted in and cleared again with the next frame. The price is at most 4 MiB of resident memory for each of two
/// arenas. Call it before threads are started.
pub fn keep_buffers() {
    #[cfg(target_env = "gnu")]
    for (option, value) in
        [(libc::M_MMAP_THRESHOLD, 1 << 20), (libc::M_TRIM_THRESHOLD, 4 << 20), (libc::M_ARENA_MAX, 2)]
    {
        // SAFETY: mallopt(3) takes two integers; a refused one changes nothing.
        unsafe { libc::mallopt(option, value) };
    }
}
