//! Keeps on disk what does not fit in memory, and what is left at shutdown.
//!
//! In: batches that a queue gives up, oldest first. Out: the same segments, oldest first, when the
//! queue has room again, in this run or in the next. Owns a folder, one thread that does all disk
//! work, and the count of what is on disk. Intake hands over references and goes on; it never waits
//! for the disk.
//!
//! ```text
//! DIR/lock                      held by the daemon that uses the folder: a second one is refused
//! DIR/aws/                      one log for each backend, by name
//!     0000000000000001.spool    files of up to 8 MiB, named after the first segment's number
//!     00000000000030d5.spool
//!     settled                   numbers of segments that need not be sent again: the cursor
//!
//! file   = file header, then blocks              all numbers little-endian
//!          "XRSPOOL1" | first u64 | created_ms u64 | reserved u32 | crc u32         32 bytes
//! block  = block header, then records: one batch
//!          "XBK1" | crc u32 | first u64 | segments u32 | payload_bytes u32
//!                 | written_ms u64 | payload_crc u32 | reserved u32                 40 bytes
//! record = kind u8 | family u8 | port u16 | address 0, 4 or 16 bytes | texts
//!          text = bytes u32, then so many; a document is one, a span one behind the four of its
//!          context, which is left out where the span before has the same
//! ```
//!
//! **Numbers.** Each segment of a log has a number, without gaps. So whatever is damaged, the count
//! of what is lost is exact: it is the gap between the blocks that can be read.
//!
//! **Settled.** A block is read when its queue has room, and stays on disk until the last of its
//! segments is sent, refused, dropped or written anew: its memory is a chunk like those of intake,
//! and the end of the chunk tells. Numbers go to `settled` then, and a file without any other is
//! deleted. After a kill -9 only blocks in flight at that moment are sent again.
//!
//! **Damage.** A torn end, a broken checksum or a file that is gone costs the blocks that it
//! touches: reading goes on at the next block header whose checksum holds. Losses are counted under
//! `spool_damaged`.
//!
//! **Bounds.** Over `--spool-max-mb` the oldest file of the largest log is given up
//! (`spool_full`); what was written longer ago than `--spool-max-age` is not sent any more
//! (`spool_expired`). A disk that is full or broken sends batches back to memory, which then holds
//! all it can; the disk is tried again each second.
//!
//! **Sync.** A block is one `write` as soon as it is given up, so the end of the process (kill -9)
//! costs nothing that was written. The disk is synced when a file is full, at the end, and at most
//! once a second while there is something new: so the end of the machine costs about the last
//! second. A sync for each block would cap the spool at the number of syncs that a disk can do, some
//! hundred a second, exactly when it is needed most.

mod error;
mod file;
mod folder;
mod format;
mod handle;
mod log;
mod replayed;
mod settled;
#[cfg(test)]
mod tests;
mod thread;
mod worker;

pub use error::SpoolError;
pub(crate) use folder::SpoolFolder;
pub(crate) use handle::{SpoolHandle, SpoolLink};
pub(crate) use thread::{Spool, SpoolKeeper};
