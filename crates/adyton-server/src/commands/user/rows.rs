//! Rows of a file with users: CSV with a heading, or a JSON object a line. A row that cannot be read
//! is told with its line, never with what stands in it, and the next one is read.
//!
//! Whether a row is a user is for the engine to say.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, Read};

/// Longest field and longest line of JSON, in bytes: beyond it something is amiss with the file.
const LONGEST: usize = 64 * 1024;
const TOO_LONG: &str = "is longer than 64 KiB";
const UNCLOSED: &str = "opens a quotation mark that is never closed: what follows was not read";
const ARGON2: &str = ": an argon2 hash has commas, so it must stand in quotation marks";
const NO_UTF8: &str = "is not UTF-8";

/// One row, and where it begins.
pub(super) struct Row {
    /// The first line is 1.
    pub(super) line: u64,
    /// What stands in it, or why that cannot be read.
    pub(super) fields: Result<Fields, String>,
}

/// What an import reads of a row; what is missing is empty.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) password_hash: String,
    pub(super) created_at: String,
}

/// The rows of CSV. Columns may stand in any order, and others beside them.
///
/// # Errors
/// A heading that cannot be read, or that lacks a column.
pub(super) fn of_csv(input: impl Read) -> Result<CsvRows<impl Read>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        // A carriage return before it stays on the last field, where it is trimmed: the reader, left
        // to see to both, counts lines of such files one too low.
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(Quotes::new(input));
    let heading = reader.headers().context("the heading cannot be read: is it CSV in UTF-8?")?;
    let width = heading.len();
    let columns = Columns::of(heading)?;
    Ok(CsvRows { reader, columns, width, record: csv::ByteRecord::new() })
}

/// Where the columns stand.
struct Columns {
    name: usize,
    email: usize,
    password_hash: usize,
    created_at: Option<usize>,
}

impl Columns {
    fn of(heading: &csv::StringRecord) -> Result<Self> {
        let place = |wanted: &str| {
            heading.iter().position(|column| column.trim().eq_ignore_ascii_case(wanted))
        };
        let (hash, password) = (place("password_hash"), place("password"));
        ensure!(
            hash.is_none() || password.is_none(),
            "there is a column `password_hash` and a column `password`: leave one of them out"
        );
        let needed = [
            ("email", place("email")),
            ("name", place("name")),
            ("password_hash", hash.or(password)),
        ];
        let [Some(email), Some(name), Some(password_hash)] = needed.map(|(_, place)| place) else {
            let missing = needed.iter().filter(|(_, place)| place.is_none());
            let missing: Vec<_> = missing.map(|(name, _)| format!("`{name}`")).collect();
            bail!(
                "the heading has no column {}: the first line must name `email`, `name` and `password_hash` (or `password`), parted by commas",
                missing.join(" and ")
            )
        };
        Ok(Self { name, email, password_hash, created_at: place("created_at") })
    }

    fn fields(&self, record: &csv::ByteRecord) -> Result<Fields, String> {
        let field = |place: usize| {
            let text = std::str::from_utf8(&record[place]).map_err(|_| NO_UTF8.to_owned())?;
            Ok::<_, String>(text.to_owned())
        };
        Ok(Fields {
            name: field(self.name)?,
            email: field(self.email)?,
            password_hash: field(self.password_hash)?,
            created_at: self.created_at.map(field).transpose()?.unwrap_or_default(),
        })
    }
}

/// See [`of_csv`].
pub(super) struct CsvRows<R> {
    reader: csv::Reader<Quotes<R>>,
    columns: Columns,
    width: usize,
    record: csv::ByteRecord,
}

impl<R: Read> Iterator for CsvRows<R> {
    type Item = csv::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) if self.is_blank() => {}
                Ok(true) => {
                    let line = self.record.position().map_or(0, csv::Position::line);
                    return Some(Ok(Row { line, fields: self.fields(line) }));
                }
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: Read> CsvRows<R> {
    /// A line with nothing on it, but perhaps a carriage return.
    fn is_blank(&self) -> bool {
        self.record.len() == 1 && self.record[0].trim_ascii().is_empty()
    }

    fn fields(&self, line: u64) -> Result<Fields, String> {
        let (found, width) = (self.record.len(), self.width);
        // The last row, over several lines, and a quotation mark without its other half.
        let spans = self.reader.position().line() > line + 1;
        let Quotes { are_odd, ended, .. } = self.reader.get_ref();
        if spans && *are_odd && *ended {
            return Err(UNCLOSED.to_owned());
        }
        if self.record.iter().any(|field| field.len() > LONGEST) {
            return Err(format!("{TOO_LONG}: is a quotation mark not closed?"));
        }
        if found != width {
            let argon2 = self.record.iter().any(|field| field.starts_with(b"$argon2"));
            let why = if argon2 { ARGON2 } else { "" };
            return Err(format!("has {found} fields, and the heading has {width}{why}"));
        }
        self.columns.fields(&self.record)
    }
}

/// Counts quotation marks on the way: the reader takes one that is never closed for a long field,
/// in which other rows would vanish without a word.
struct Quotes<R> {
    inner: R,
    are_odd: bool,
    ended: bool,
}

impl<R> Quotes<R> {
    fn new(inner: R) -> Self {
        Self { inner, are_odd: false, ended: false }
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let quotes = buffer[..read].iter().filter(|byte| **byte == b'"').count();
        self.are_odd ^= quotes % 2 == 1;
        self.ended = read == 0;
        Ok(read)
    }
}

/// The rows of JSON lines. Empty lines are passed over.
///
/// # Errors
/// A file that is an array instead.
pub(super) fn of_json_lines(input: impl Read) -> Result<JsonRows<impl BufRead>> {
    let mut reader = BufReader::with_capacity(LONGEST, input);
    let start = reader.fill_buf().context("cannot read the file")?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let array = start[mark..].trim_ascii_start().starts_with(b"[");
    reader.consume(mark);
    ensure!(!array, "this is one JSON array: give an object a line (jq -c '.[]')");
    Ok(JsonRows { reader, line: 0 })
}

/// See [`of_json_lines`].
pub(super) struct JsonRows<R> {
    reader: R,
    line: u64,
}

impl<R: BufRead> Iterator for JsonRows<R> {
    type Item = std::io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = Vec::new();
            let read = (&mut self.reader).take(LONGEST as u64 + 1).read_until(b'\n', &mut text);
            match read {
                Ok(0) => return None,
                Ok(_) => self.line += 1,
                Err(error) => return Some(Err(error)),
            }
            let long = text.len() > LONGEST;
            if long && let Err(error) = self.reader.skip_until(b'\n') {
                return Some(Err(error));
            }
            if !text.trim_ascii().is_empty() {
                let fields = if long { Err(TOO_LONG.to_owned()) } else { read_object(&text) };
                return Some(Ok(Row { line: self.line, fields }));
            }
        }
    }
}

fn read_object(text: &[u8]) -> Result<Fields, String> {
    let text = std::str::from_utf8(text).map_err(|_| NO_UTF8.to_owned())?;
    // What serde says of an error may quote the text.
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| "is not a JSON object".to_owned())?;
    if object.contains_key("password_hash") && object.contains_key("password") {
        return Err("has `password_hash` and `password`: leave one of them out".to_owned());
    }
    let field = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("`{key}` is not a string")),
    };
    let hash = if object.contains_key("password") { "password" } else { "password_hash" };
    Ok(Fields {
        name: field("name")?,
        email: field("email")?,
        password_hash: field(hash)?,
        created_at: field("created_at")?,
    })
}
