//! How far a pull is, gathered from Docker's words about it.

use lilac_api::image::{LayerProgress, LayerState, MAX_LAYERS, PullProgress};

use crate::docker::Word;

/// Takes in one word. Says whether anything changed that is worth telling.
pub(super) fn note(progress: &mut PullProgress, word: &Word) -> bool {
    let Some(id) = &word.layer else { return false };
    let state = match word.status.as_str() {
        "Pulling fs layer" | "Waiting" => LayerState::Waiting,
        "Downloading" => LayerState::Downloading,
        "Verifying Checksum" | "Download complete" | "Extracting" => LayerState::Extracting,
        "Pull complete" | "Already exists" => LayerState::Done,
        _ => return false,
    };
    let index = match progress.layers.iter().position(|layer| layer.id == *id) {
        Some(index) => index,
        None if progress.layers.len() < MAX_LAYERS => {
            progress.layers.push(LayerProgress { id: id.clone(), state, bytes: 0, total_bytes: 0 });
            progress.layers.len() - 1
        }
        None => return false,
    };
    let layer = &mut progress.layers[index];
    layer.state = state;
    if state == LayerState::Downloading {
        (layer.bytes, layer.total_bytes) = (word.current, word.total.max(word.current));
    } else if state > LayerState::Downloading {
        layer.bytes = layer.total_bytes;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(layer: &str, status: &str, current: u64, total: u64) -> Word {
        Word { layer: Some(layer.into()), status: status.into(), current, total }
    }

    #[test]
    fn layers_go_from_waiting_to_done() {
        let mut progress = PullProgress::default();
        assert!(!note(&mut progress, &word("latest", "Pulling from library/busybox", 0, 0)));
        assert!(!note(&mut progress, &Word { status: "Digest: sha256:1".into(), ..Word::default() }));
        for (layer, status, current, total, expected) in [
            ("a", "Pulling fs layer", 0, 0, (LayerState::Waiting, 0, 0)),
            ("a", "Downloading", 5, 10, (LayerState::Downloading, 5, 10)),
            ("a", "Downloading", 8, 0, (LayerState::Downloading, 8, 8)),
            ("a", "Downloading", 9, 10, (LayerState::Downloading, 9, 10)),
            ("a", "Download complete", 0, 0, (LayerState::Extracting, 10, 10)),
            // What is unpacked is counted in other bytes.
            ("a", "Extracting", 700, 1000, (LayerState::Extracting, 10, 10)),
            ("a", "Pull complete", 0, 0, (LayerState::Done, 10, 10)),
        ] {
            assert!(note(&mut progress, &word(layer, status, current, total)));
            let layer = &progress.layers[0];
            assert_eq!((layer.state, layer.bytes, layer.total_bytes), expected, "{status}");
        }
        assert!(note(&mut progress, &word("b", "Already exists", 0, 0)));
        assert_eq!(progress.summary(), "2 of 2 layers, 10 of 10");
    }

    #[test]
    fn a_registry_cannot_make_it_grow_for_ever() {
        let mut progress = PullProgress::default();
        for layer in 0..1000 {
            note(&mut progress, &word(&layer.to_string(), "Waiting", 0, 0));
        }
        assert_eq!(progress.layers.len(), MAX_LAYERS);
    }
}
