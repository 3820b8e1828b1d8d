//! Why an image could not be had: a stable code, and what to do about it. Each case wants another person.

use lilac_api::image::ImageProblem;

use super::credentials::Login;
use crate::core::Failure;
use crate::docker::PullFailed;

/// What a failed pull comes down to.
pub(super) fn of(failed: PullFailed, login: &Login) -> Failure {
    match failed {
        PullFailed::Unclear(words) => Failure::Unclear(words),
        PullFailed::Stalled(after) => {
            let minutes = after.as_secs() / 60;
            let words =
                format!("The pull made no progress for {minutes} minutes; the registry may be overloaded.");
            Failure::Pull(ImageProblem::Stalled, words)
        }
        PullFailed::Refused(words) => {
            let problem = tell_apart(&words);
            let told = match problem {
                ImageProblem::Denied => denied(login),
                ImageProblem::NotFound => {
                    "The registry has no such image: check its name and its tag.".to_owned()
                }
                ImageProblem::Unreachable => {
                    "The registry does not answer this node: check its address in the image's name, and the node's \
                     network and certificates."
                        .to_owned()
                }
                ImageProblem::DiskFull => {
                    "The node has no room for the image: free space on its disk, or have the job run elsewhere."
                        .to_owned()
                }
                ImageProblem::WrongPlatform => {
                    "The image has no build for this node's kind of processor: build one, or choose nodes that fit."
                        .to_owned()
                }
                _ => return Failure::Pull(problem, words),
            };
            Failure::Pull(problem, format!("{told} Docker says: {words}"))
        }
    }
}

fn denied(login: &Login) -> String {
    match login {
        Login::None => {
            "The registry denies the image to a pull without a login: keep one with `lilac_cli registry \
                        add`, or check the image's name."
                .to_owned()
        }
        Login::Team(login) => format!(
            "The registry denies the image to the login of `{}` to {}: check its password and its rights.",
            login.username, login.server
        ),
        Login::Node(_) => {
            "The registry denies the image to the login in the node's Docker configuration: keep one \
                           of your team with `lilac_cli registry add`."
                .to_owned()
        }
    }
}

/// Docker and registries have no codes for it, only words.
fn tell_apart(words: &str) -> ImageProblem {
    let lower = words.to_lowercase();
    let cases: [(ImageProblem, &[&str]); 5] = [
        (ImageProblem::DiskFull, &["no space left on device", "disk quota exceeded"]),
        // A registry that does not say whether an image exists denies it: that goes before "not found".
        (
            ImageProblem::Denied,
            &["unauthorized", "denied", "no basic auth", "authentication required", "forbidden"],
        ),
        (ImageProblem::WrongPlatform, &["no matching manifest", "does not match the specified platform"]),
        (
            ImageProblem::NotFound,
            &["manifest unknown", "not found", "name unknown", "does not exist", "no such image"],
        ),
        (
            ImageProblem::Unreachable,
            &[
                "connection refused",
                "no such host",
                "timeout",
                "deadline",
                "unreachable",
                "no route",
                "reset by",
                "x509",
                "server gave http response to https client",
                "eof",
            ],
        ),
    ];
    let sign = |(_, signs): &&(ImageProblem, &[&str])| signs.iter().any(|sign| lower.contains(sign));
    cases.iter().find(sign).map_or(ImageProblem::Other, |(problem, _)| *problem)
}

#[cfg(test)]
mod tests {
    use lilac_api::agent::RegistryLogin;
    use lilac_api::auth::Secret;

    use super::*;

    #[test]
    fn what_a_registry_says_is_told_apart() {
        let login = RegistryLogin {
            server: "r:5000".into(),
            username: "ada".into(),
            password: Secret("hidden words".into()),
        };
        for (words, expected, told) in [
            (
                "Get \"http://r:5000/v2/a/manifests/1\": no basic auth credentials",
                ImageProblem::Denied,
                "denies",
            ),
            (
                "pull access denied for a, repository does not exist or may require 'docker login'",
                ImageProblem::Denied,
                "denies",
            ),
            ("unauthorized: authentication required", ImageProblem::Denied, "denies"),
            (
                "manifest for r:5000/a:2 not found: manifest unknown: manifest unknown",
                ImageProblem::NotFound,
                "has no such image",
            ),
            (
                "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                ImageProblem::Unreachable,
                "does not answer",
            ),
            ("dial tcp: lookup nowhere.example: no such host", ImageProblem::Unreachable, "does not answer"),
            (
                "failed to register layer: write /x: no space left on device",
                ImageProblem::DiskFull,
                "no room",
            ),
            (
                "no matching manifest for linux/arm64/v8 in the manifest list entries",
                ImageProblem::WrongPlatform,
                "processor",
            ),
            ("invalid tar header", ImageProblem::Other, "invalid tar header"),
        ] {
            for login in [Login::None, Login::Team(login.clone())] {
                let failure = of(PullFailed::Refused(words.into()), &login);
                let Failure::Pull(problem, sentence) = failure else { panic!("{failure:?}") };
                assert_eq!(problem, expected, "{words}");
                assert!(sentence.contains(told) && sentence.contains(words), "{sentence}");
                assert!(!sentence.contains("hidden words"), "{sentence}");
            }
        }
        let Failure::Pull(_, sentence) = of(PullFailed::Refused("unauthorized".into()), &Login::Team(login))
        else {
            panic!("a failed pull")
        };
        assert!(sentence.contains("`ada` to r:5000"), "{sentence}");
    }
}
