//! The alarm input, and the output.
