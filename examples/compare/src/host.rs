//! The least of a host, the same for every engine: arguments, one file to read, output that is kept.

use pvm_guest_abi::system::{Errno, Function};
use pvm_num::casts::{signed_32, signed_64, to_u64, to_usize_saturating, unsigned_64};

/// What a guest's call leads to.
pub(crate) enum Reply {
    Continue(i64),
    Exit(i32),
}

/// A guest at a call.
pub(crate) trait Guest {
    fn argument(&self, number: usize) -> u64;
    fn read(&mut self, address: u64, bytes: &mut [u8]);
    fn write(&mut self, address: u64, bytes: &[u8]);
}

/// The descriptor of the file.
const FILE: u64 = 3;
/// Kinds in a status record.
const KIND_FILE: u32 = 1;
const KIND_STREAM: u32 = 3;

/// What one run of a guest has and gives.
pub(crate) struct Host<'a> {
    arguments: &'a [u8],
    file: &'a [u8],
    place: u64,
    pub(crate) output: Vec<u8>,
    ticks: u64,
}

impl<'a> Host<'a> {
    /// Arguments each end with a 0 byte; any path is that of the file.
    pub(crate) fn new(arguments: &'a [u8], file: &'a [u8]) -> Host<'a> {
        Host { arguments, file, place: 0, output: Vec::new(), ticks: 0 }
    }

    /// Answers a call.
    pub(crate) fn call(&mut self, function: Function, guest: &mut impl Guest) -> Reply {
        let [a, b, c] = [0, 1, 2].map(|number| guest.argument(number));
        let size = to_u64(self.file.len());
        Reply::Continue(signed_64(match function {
            Function::Exit => return Reply::Exit(signed_32(pvm_num::casts::low_u32(a))),
            Function::Write => {
                let mut bytes = vec![0; to_usize_saturating(c)];
                guest.read(b, &mut bytes);
                self.output.extend(bytes);
                c
            }
            Function::Arguments => {
                guest.write(a, &self.arguments[..self.arguments.len().min(to_usize_saturating(b))]);
                to_u64(self.arguments.len())
            }
            Function::Environment | Function::Close => 0,
            Function::Ticks => {
                self.ticks += 1000;
                self.ticks
            }
            Function::Open if c == 0 => {
                self.place = 0;
                FILE
            }
            Function::Seek if a == FILE => {
                self.place = [0, self.place, size][to_usize_saturating(b).min(2)].wrapping_add(c);
                self.place
            }
            Function::Read if a == FILE => {
                let start = self.place.min(size);
                let end = start.saturating_add(c).min(size);
                guest.write(b, &self.file[to_usize_saturating(start)..to_usize_saturating(end)]);
                self.place = end;
                end - start
            }
            Function::Read => 0,
            Function::Status => {
                let (kind, size) = if a == FILE { (KIND_FILE, size) } else { (KIND_STREAM, 0) };
                let record = [&kind.to_le_bytes()[..], &[0; 4], &size.to_le_bytes(), &[0; 8]].concat();
                guest.write(b, &record);
                0
            }
            _ => unsigned_64(-Errno::NoEntry.number()),
        }))
    }
}
