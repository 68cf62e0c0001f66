//! Links, images and paths lead to what is there.

use super::{Document, assert_none, documents, root};
use std::path::{Component, Path, PathBuf};

#[test]
fn every_link_and_image_leads_somewhere() {
    let documents = documents();
    let mut broken = Vec::new();
    for document in &documents {
        for link in document.links.iter().filter(|link| is_relative(link)) {
            if let Err(why) = follow(document, link, &documents) {
                broken.push(format!("{}: {link}: {why}", document.path));
            }
        }
    }
    assert_none("links that lead nowhere", &broken);
}

/// Not to the web, and not rustdoc's own.
fn is_relative(link: &str) -> bool {
    !link.contains("://") && !link.contains("::") && !link.starts_with("mailto:")
}

fn follow(from: &Document, link: &str, documents: &[Document]) -> Result<(), &'static str> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(&from.path).parent().unwrap();
    let target = match path {
        "" => from.path.clone(),
        path => plain(&folder.join(path)).to_str().unwrap().to_owned(),
    };
    if !root().join(&target).exists() {
        return Err("there is no such file");
    }
    if from.is_in_the_book() && !target.starts_with("docs/") {
        return Err("it leads out of the book");
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let target = documents.iter().find(|document| document.path == target);
    let known = target.is_some_and(|document| document.anchors.contains(anchor));
    if known { Ok(()) } else { Err("there is no such heading") }
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                assert!(plain.pop(), "{} leaves the repository", path.display());
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

const FOLDERS: [&str; 7] =
    ["bench/", "crates/", "docs/", "e2e/", "packages/", "packaging/", "scripts/"];

#[test]
fn every_path_of_the_repository_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        for span in &document.spans {
            let path = span.split(' ').next().unwrap().trim_end_matches('/');
            let is_path = FOLDERS.iter().any(|folder| path.starts_with(folder));
            if is_path && !path.contains(['*', '…', '{']) && !root().join(path).exists() {
                missing.push(format!("{}: {path}", document.path));
            }
        }
    }
    assert_none("paths that are not there", &missing);
}
