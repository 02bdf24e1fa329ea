//! When a process of the demo is to end: a signal, or the end of the process that started it.
//!
//! A child gets a pipe from its parent as standard input and never a byte on it. The pipe closes
//! when the parent ends, in whatever way, so no orphan stays behind, on any system.

use std::io::{self, IsTerminal};

use tokio::io::AsyncReadExt;

/// Whether standard input is the parent's pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Parent {
    #[default]
    None,
    /// Its end closes standard input.
    OnStdin,
}

/// Completes when the process is to end.
///
/// # Errors
/// When the system does not let us listen for signals.
pub(crate) async fn asked(parent: Parent) -> io::Result<()> {
    tokio::select! {
        signalled = signal() => signalled,
        () = parent_gone(), if parent == Parent::OnStdin => Ok(()),
    }
}

/// Completes on Ctrl-C; on Unix also on SIGTERM, and when the terminal is closed.
///
/// # Errors
/// As [`asked`].
pub(crate) async fn signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        // Listening would undo `nohup`, which also takes the terminal away.
        let mut hang_up = match io::stdin().is_terminal() {
            true => Some(signal(SignalKind::hangup())?),
            false => None,
        };
        let hung_up = async {
            match &mut hang_up {
                Some(signals) => signals.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
            _ = hung_up => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

async fn parent_gone() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0_u8; 64];
    while let Ok(1..) = stdin.read(&mut ignored).await {}
}
