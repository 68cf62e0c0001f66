//! The documents, read as their readers do: what they link to, name and tell people to run is there.

mod links;
mod names;
mod samples;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Beside the chapters, for who works on Adyton.
const NO_CHAPTERS: [&str; 2] = ["docs/SUMMARY.md", "docs/adding-things.md"];

/// One Markdown file, taken apart.
pub(crate) struct Document {
    /// Within the repository.
    path: String,
    /// Where its links and images lead.
    links: Vec<String>,
    /// What a link may have behind `#`.
    anchors: BTreeSet<String>,
    /// What stands in backticks.
    spans: Vec<String>,
    blocks: Vec<Block>,
}

/// A fenced block.
struct Block {
    language: String,
    /// `sh,ignore` cannot run in a test: it needs root, a network, or more than one machine.
    is_ignored: bool,
    text: String,
}

impl Document {
    fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let mut document = Self {
            path: path.to_owned(),
            links: Vec::new(),
            anchors: BTreeSet::new(),
            spans: Vec::new(),
            blocks: Vec::new(),
        };
        let (mut heading, mut block) = (None::<String>, None::<Block>);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => document.add_anchor(&heading.take().unwrap()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    block = Some(Block::of(&info));
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Code(span) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&span));
                    document.spans.push(span.into_string());
                }
                Event::Text(part) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&part));
                    block.iter_mut().for_each(|block| block.text.push_str(&part));
                }
                _ => {}
            }
        }
        document
    }

    /// As code hosts and mdBook make them of headings.
    fn add_anchor(&mut self, heading: &str) {
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let anchor = heading.to_lowercase().chars().filter(kept).collect::<String>();
        self.anchors.insert(anchor.replace(' ', "-"));
    }

    fn is_in_the_book(&self) -> bool {
        self.path.starts_with("docs/") && !NO_CHAPTERS.contains(&&*self.path)
    }

    fn blocks<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| block.language == language && !block.is_ignored)
    }
}

impl Block {
    fn of(info: &str) -> Self {
        let mut words = info.split(',');
        let language = words.next().unwrap_or_default().trim().to_owned();
        Self { language, is_ignored: words.any(|word| word == "ignore"), text: String::new() }
    }
}

/// Every Markdown file of the repository.
fn documents() -> Vec<Document> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_ours = !name.starts_with('.') && !["target", "node_modules"].contains(&name);
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if name.ends_with(".md") {
                let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push(Document::read(&path));
            }
        }
    }
    assert!(found.len() > 30, "only {} documents", found.len());
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Says all that is wrong at once.
fn assert_none(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

#[test]
fn every_chapter_is_in_the_summary_once() {
    let summary = Document::read("docs/SUMMARY.md");
    let listed: BTreeSet<String> = summary.links.iter().map(|to| format!("docs/{to}")).collect();
    assert_eq!(listed.len(), summary.links.len(), "SUMMARY.md lists a chapter twice");
    let chapters = documents().into_iter().filter(Document::is_in_the_book);
    let chapters: BTreeSet<String> = chapters.map(|document| document.path).collect();
    let differing: Vec<String> = listed.symmetric_difference(&chapters).cloned().collect();
    assert_none("in SUMMARY.md or in docs, and not in both", &differing);
}
