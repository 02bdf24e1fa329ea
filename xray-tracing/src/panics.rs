//! The panic hook: lets spans say what the panic that unwinds them was about.
//!
//! In: panics. Out: the same, to the hook that was there before. Owns nothing.

use std::panic;
use std::sync::Once;

use crate::layer::errors;

/// Puts our note before the hook that is installed, once a process.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            errors::note_panic(info);
            before(info);
        }));
    });
}
