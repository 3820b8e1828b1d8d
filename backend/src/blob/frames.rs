//! Compression that can be read from the middle: an object is a row of zstd frames, each made of the same
//! number of bytes, and the index of where they end is kept in the database. Any tool for zstd reads the
//! whole; a reader of a part fetches and unpacks the frames that hold it.

use std::ops::Range;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::Store;
use crate::error::{ApiError, ApiResult};

/// Bytes in each frame but the last.
pub const FRAME_BYTES: usize = 256 << 10;
/// The most bytes that one read unpacks at a time.
pub const MAX_READ_BYTES: usize = 4 << 20;
const LEVEL: i32 = 3;

/// Compresses what it is given, a frame at a time.
#[derive(Default)]
pub struct Packer {
    pending: Vec<u8>,
    /// Where each frame so far ends.
    pub ends: Vec<i64>,
}

impl Packer {
    /// Takes bytes in; gives the frames that became full.
    pub fn push(&mut self, mut bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut packed = Vec::new();
        while !bytes.is_empty() {
            let room = FRAME_BYTES - self.pending.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == FRAME_BYTES {
                packed.extend(self.frame()?);
            }
        }
        Ok(packed)
    }

    /// The last frame, if anything is left for one.
    pub fn finish(&mut self) -> std::io::Result<Vec<u8>> {
        if self.pending.is_empty() { Ok(Vec::new()) } else { self.frame() }
    }

    fn frame(&mut self) -> std::io::Result<Vec<u8>> {
        let packed = zstd::bulk::compress(&self.pending, LEVEL)?;
        self.pending.clear();
        let length = i64::try_from(packed.len()).unwrap_or(i64::MAX);
        self.ends.push(self.ends.last().copied().unwrap_or(0) + length);
        Ok(packed)
    }
}

/// Reads the bytes `range` of what was packed; at most [`MAX_READ_BYTES`].
pub async fn read(store: &Store, object: &str, ends: &[i64], range: Range<u64>) -> ApiResult<Bytes> {
    let frame = FRAME_BYTES as u64;
    if range.is_empty() {
        return Ok(Bytes::new());
    }
    let first = usize::try_from(range.start / frame).unwrap_or(usize::MAX);
    let last = usize::try_from((range.end - 1) / frame).unwrap_or(usize::MAX);
    let end = |index: usize| ends.get(index).and_then(|end| u64::try_from(*end).ok());
    let from = first.checked_sub(1).map_or(Some(0), end);
    let (Some(from), Some(to)) = (from, end(last)) else { return Err(damaged(object)) };
    let packed = store.get_range(&Path::from(object), from..to).await?;
    let relative: Vec<usize> = (first..=last)
        .filter_map(end)
        .map(|end| usize::try_from(end.saturating_sub(from)).unwrap_or_default())
        .collect();
    let unpacked = tokio::task::spawn_blocking(move || unpack(&packed, &relative)).await;
    let unpacked = unpacked.ok().flatten().ok_or_else(|| damaged(object))?;
    let skip = usize::try_from(range.start - first as u64 * frame).unwrap_or_default();
    let length = usize::try_from(range.end - range.start).unwrap_or_default();
    if unpacked.len() < skip + length {
        return Err(damaged(object));
    }
    Ok(unpacked.slice(skip..skip + length))
}

/// Unpacks frames that lie one behind the other.
fn unpack(packed: &[u8], ends: &[usize]) -> Option<Bytes> {
    let mut bytes = Vec::with_capacity(ends.len() * FRAME_BYTES);
    let mut start = 0;
    for end in ends {
        bytes.extend(zstd::bulk::decompress(packed.get(start..*end)?, FRAME_BYTES).ok()?);
        start = *end;
    }
    Some(bytes.into())
}

fn damaged(object: &str) -> ApiError {
    tracing::error!(object, "an object of the store does not hold what was put there");
    ApiError::unavailable("this part is damaged in the store; the server's log names it")
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn any_part_can_be_read_by_itself() {
        let store = crate::blob::in_memory();
        let bytes: Vec<u8> =
            (0..FRAME_BYTES * 2 + 1000).map(|i| u8::try_from(i * i % 251).unwrap()).collect();
        let mut packer = Packer::default();
        let mut packed = Vec::new();
        for piece in bytes.chunks(100_003) {
            packed.extend(packer.push(piece).unwrap());
        }
        packed.extend(packer.finish().unwrap());
        assert_eq!(packer.ends.len(), 3);
        store.put(&Path::from("x"), packed.clone().into()).await.unwrap();
        let frame = FRAME_BYTES as u64;
        let whole = bytes.len() as u64;
        let ranges = [0..1, frame - 1..frame + 1, frame..frame * 2, frame * 2 - 5..whole, 0..whole, 7..7];
        for range in ranges {
            let read = read(&store, "x", &packer.ends, range.clone()).await.unwrap();
            let expected = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(read == expected, "{range:?}");
        }
        // And any tool reads the whole.
        assert!(zstd::decode_all(packed.as_slice()).unwrap() == bytes);
        let beyond = read(&store, "x", &packer.ends, whole..whole + 1).await.unwrap_err();
        assert_eq!(beyond.status, 503);
        let missing = read(&store, "y", &packer.ends, 0..1).await.unwrap_err();
        assert_eq!(missing.status, 503);
    }
}
