//! Where a reader starts: at an offset, or some lines before the end.

use super::store::{self, Log};
use crate::app::App;
use crate::error::ApiResult;

/// How far back the end of a log is searched for line ends.
const MAX_TAIL_BYTES: i64 = 4 << 20;
const STRIDE_BYTES: i64 = 256 << 10;

/// The offset at which the last `lines` lines begin; a log that is longer than what is searched starts there.
pub async fn tail_offset(app: &App, log: &Log, lines: u32) -> ApiResult<i64> {
    let mut wanted = u64::from(lines);
    let mut end = log.bytes;
    let floor = (log.bytes - MAX_TAIL_BYTES).max(0);
    if wanted == 0 {
        return Ok(end);
    }
    let mut is_last = true;
    while end > floor {
        let start = (end - STRIDE_BYTES).max(floor);
        let bytes = store::read(app, log, start, usize::try_from(end - start).unwrap_or_default()).await?;
        for (index, byte) in bytes.iter().enumerate().rev() {
            // The line end that closes the log opens no further line.
            let closes = std::mem::replace(&mut is_last, false);
            if *byte == b'\n' && !closes {
                wanted -= 1;
                if wanted == 0 {
                    return Ok(start + i64::try_from(index).unwrap_or_default() + 1);
                }
            }
        }
        end = start;
    }
    Ok(floor)
}
