//! End-to-end tests: real processes, real sockets. One file a theme.

mod forwarding;
