//! What public items name of other crates is what the document says, and their enums can grow unless
//! it says why not. Signatures, public fields, variants, implemented traits and derives are read;
//! what macros write is not.

use super::{assert_none, root, sources};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, Token, UseTree, Visibility};

/// A user's contract ends with these crates.
const PUBLISHED: [&str; 5] =
    ["adyton-core", "adyton-sql", "adyton-redis", "adyton", "adyton-client"];
const DOCUMENT: &str = "docs/decisions/0012-public-api.md";

/// One of our crates, another crate, and a name of it that public items have.
type Named = BTreeSet<[String; 3]>;

#[test]
fn public_items_name_of_other_crates_what_the_document_says() {
    let found: Named = PUBLISHED.iter().flat_map(|name| Surface::read(name).named).collect();
    assert!(found.len() > 20, "nothing was read: {found:?}");
    let mut documented = Named::new();
    for [ours, other, names, _] in rows() {
        for name in words(names) {
            documented.insert([plain(ours), plain(other), name]);
        }
    }
    assert_same(&found, &documented);
}

#[test]
fn public_enums_can_grow_unless_the_document_says_why_not() {
    let of = |ours: &str, enums: BTreeSet<String>| -> Vec<_> {
        enums.into_iter().map(|name| [ours.to_owned(), name]).collect()
    };
    let found = PUBLISHED.iter().flat_map(|ours| of(ours, Surface::read(ours).closed_enums));
    let documented = rows().flat_map(|[ours, names, _]| of(&plain(ours), words(names)));
    assert_same(&found.collect(), &documented.collect());
}

fn assert_same<const N: usize>(found: &BTreeSet<[String; N]>, documented: &BTreeSet<[String; N]>) {
    let told = |names: &[String; N]| names.join("::");
    let surplus: Vec<_> = found.difference(documented).map(told).collect();
    assert_none(&format!("public, and not in {DOCUMENT}"), &surplus);
    let missing: Vec<_> = documented.difference(found).map(told).collect();
    assert_none(&format!("in {DOCUMENT}, and not public"), &missing);
}

/// The rows of the document's tables with so many columns, without their heads.
fn rows<const COLUMNS: usize>() -> impl Iterator<Item = [&'static str; COLUMNS]> {
    let text = fs::read_to_string(root().join(DOCUMENT)).unwrap().leak();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    rows.filter_map(|row| row.split(" | ").collect::<Vec<_>>().try_into().ok())
}

/// The names of a cell.
fn words(cell: &str) -> BTreeSet<String> {
    cell.split(", ").map(plain).collect()
}

fn plain(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

/// What the public items of one crate name.
struct Surface {
    crate_name: String,
    dependencies: BTreeSet<String>,
    /// Its types and traits, and whether they are public.
    own: BTreeMap<String, bool>,
    /// What a file imports under which name.
    imports: HashMap<String, Vec<String>>,
    named: Named,
    closed_enums: BTreeSet<String>,
}

impl Surface {
    fn read(crate_name: &str) -> Self {
        let files = sources(&format!("crates/{crate_name}/src"));
        let files: Vec<_> =
            files.iter().map(|(_, text)| syn::parse_file(text).unwrap().items).collect();
        let mut own = BTreeMap::new();
        files.iter().for_each(|items| collect_own(items, &mut own));
        let mut surface = Self {
            crate_name: crate_name.to_owned(),
            dependencies: dependencies(crate_name),
            own,
            imports: HashMap::new(),
            named: Named::new(),
            closed_enums: BTreeSet::new(),
        };
        for items in &files {
            surface.imports.clear();
            surface.collect_imports(items);
            surface.read_items(items);
        }
        surface
    }

    fn collect_imports(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Use(item) => self.imports.extend(leaves(&item.tree, &[])),
                Item::Mod(module) => self.collect_imports(shipped_content(module)),
                _ => {}
            }
        }
    }

    fn read_items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Impl(item) => self.read_impl(item),
                Item::Mod(module) => self.read_items(shipped_content(module)),
                Item::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
                Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
                Item::Type(item) if is_public(&item.vis) => visit::visit_item_type(self, item),
                Item::Struct(item) if is_public(&item.vis) => {
                    self.read_derives(&item.attrs);
                    self.visit_generics(&item.generics);
                    self.read_fields(&item.fields);
                }
                Item::Enum(item) if is_public(&item.vis) => {
                    self.read_derives(&item.attrs);
                    self.visit_generics(&item.generics);
                    item.variants.iter().for_each(|variant| self.visit_fields(&variant.fields));
                    if !item.attrs.iter().any(|attr| attr.path().is_ident("non_exhaustive")) {
                        self.closed_enums.insert(item.ident.to_string());
                    }
                }
                Item::Trait(item) if is_public(&item.vis) => visit::visit_item_trait(self, item),
                Item::Use(item) if is_public(&item.vis) => {
                    leaves(&item.tree, &[]).iter().for_each(|(_, path)| self.name(path));
                }
                _ => {}
            }
        }
    }

    fn read_fields(&mut self, fields: &Fields) {
        fields
            .iter()
            .filter(|field| is_public(&field.vis))
            .for_each(|field| self.visit_field(field));
    }

    fn read_impl(&mut self, item: &ItemImpl) {
        let mut idents = Idents::default();
        idents.visit_type(&item.self_ty);
        if let Some((path, _)) = &item.trait_ {
            idents.visit_path(path);
        }
        // Of our types and traits in its head, all are public.
        let mut ours = idents.0.iter().filter_map(|ident| self.own.get(ident)).peekable();
        if ours.peek().is_none() || ours.any(|public| !public) {
            return;
        }
        if let Some((path, _)) = &item.trait_ {
            self.visit_path(path);
        }
        self.visit_generics(&item.generics);
        for part in &item.items {
            match part {
                ImplItem::Type(part) => self.visit_type(&part.ty),
                ImplItem::Fn(part) if is_public(&part.vis) => self.visit_signature(&part.sig),
                ImplItem::Const(part) if is_public(&part.vis) => self.visit_type(&part.ty),
                _ => {}
            }
        }
    }

    fn read_derives(&mut self, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let derives = Punctuated::<syn::Path, Token![,]>::parse_terminated;
            for path in attribute.parse_args_with(derives).unwrap() {
                self.visit_path(&path);
            }
        }
    }

    /// Notes a path if it leads to another crate.
    fn name(&mut self, path: &[String]) {
        let (first, rest) = path.split_first().unwrap();
        let path = match self.imports.get(first) {
            Some(import) => [import, rest].concat(),
            None => path.to_vec(),
        };
        // A derive of thiserror implements traits of the standard library.
        if self.dependencies.contains(&path[0]) && path[0] != "thiserror" {
            let name = path[path.len() - 1].clone();
            self.named.insert([self.crate_name.clone(), path[0].clone(), name]);
        }
    }
}

impl<'ast> Visit<'ast> for Surface {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.name(&names);
        visit::visit_path(self, path);
    }

    /// No bodies, and no attributes.
    fn visit_block(&mut self, _: &'ast syn::Block) {}
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Every identifier of a type.
#[derive(Default)]
struct Idents(BTreeSet<String>);

impl<'ast> Visit<'ast> for Idents {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.0.insert(ident.to_string());
    }
}

fn collect_own(items: &[Item], own: &mut BTreeMap<String, bool>) {
    for item in items {
        let (visibility, ident) = match item {
            Item::Struct(item) => (&item.vis, &item.ident),
            Item::Enum(item) => (&item.vis, &item.ident),
            Item::Trait(item) => (&item.vis, &item.ident),
            Item::Mod(module) => {
                collect_own(shipped_content(module), own);
                continue;
            }
            _ => continue,
        };
        *own.entry(ident.to_string()).or_default() |= is_public(visibility);
    }
}

/// What stands in a module of the same file, if it is not for tests.
fn shipped_content(module: &syn::ItemMod) -> &[Item] {
    let test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    };
    match &module.content {
        Some((_, items)) if !module.attrs.iter().any(test) => items,
        _ => &[],
    }
}

/// The name that every leaf of an import has here, and its whole path.
fn leaves(tree: &UseTree, before: &[String]) -> Vec<(String, Vec<String>)> {
    let path = |last: &dyn ToString| [before, &[last.to_string()]].concat();
    match tree {
        UseTree::Path(part) => leaves(&part.tree, &path(&part.ident)),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
        UseTree::Name(leaf) if leaf.ident == "self" => {
            vec![(before[before.len() - 1].clone(), before.to_vec())]
        }
        UseTree::Name(leaf) => vec![(leaf.ident.to_string(), path(&leaf.ident))],
        UseTree::Rename(leaf) => vec![(leaf.rename.to_string(), path(&leaf.ident))],
        UseTree::Glob(_) => vec![("*".to_owned(), path(&"*"))],
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The crates that a crate of ours depends on, but for its siblings.
fn dependencies(crate_name: &str) -> BTreeSet<String> {
    let manifest = root().join("crates").join(crate_name).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let tables = targets.into_iter().flat_map(|targets| targets.values());
    let tables = tables.filter_map(|target| target.get("dependencies"));
    let tables = tables.chain([&manifest["dependencies"]]).filter_map(|table| table.as_table());
    let names = tables.flat_map(|table| table.keys()).filter(|name| !name.starts_with("adyton"));
    names.map(|name| name.replace('-', "_")).collect()
}
