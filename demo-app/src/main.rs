//! The workshop's product catalogue: three services, a load, and everything on one machine.
//!
//! In: the command line. Out: exit code 0 after an orderly end, 1 when something cannot start or
//! ended by itself, 2 for a command line that is not understood.

mod chaos;
mod cli;
mod frontend;
mod load;
mod prodcatalog;
mod proddetail;
mod product;
mod run;
mod scratch;
mod service;
mod up;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use cli::{Command, Topic};

fn main() -> ExitCode {
    let command = cli::parse(std::env::args_os().skip(1), &|name| std::env::var(name).ok());
    let command = match command {
        Ok(command) => command,
        Err(err) => {
            say(io::stderr(), &format!("{err}\n"));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => {
            say(io::stderr(), &format!("the runtime cannot be started: {err}\n"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(command));
    // A read of standard input that still waits must not keep the process.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            say(io::stderr(), &format!("{err:#}\n"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(options) => up::run(options, &mut io::stdout()).await,
        Command::Frontend(options) => run::frontend(options, announce).await,
        Command::Prodcatalog(options) => run::prodcatalog(options, announce).await,
        Command::Proddetail(options) => run::proddetail(options, announce).await,
        Command::Load(options) => {
            let stop = async { drop(service::stop::signal().await) };
            let report = load::run(options, stop).await?;
            say(io::stdout(), &format!("{report}\n"));
            Ok(())
        }
        Command::Help(topic) => {
            let of_services = match topic {
                Topic::Up | Topic::Load => "",
                Topic::Frontend | Topic::Prodcatalog | Topic::Proddetail => cli::SERVICE,
            };
            say(io::stdout(), &format!("{}{of_services}", topic.text()));
            Ok(())
        }
        Command::Version => {
            say(io::stdout(), concat!("demo-app ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(())
        }
    }
}

/// Says where a service listens: `up` reads it.
fn announce(address: SocketAddr) {
    say(io::stdout(), &format!("{} http://{address}\n", up::LISTENING));
}

/// Prints; whoever closed the other end does not want to hear it.
fn say(mut out: impl Write, text: &str) {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
