//! One style sheet a program: a page paints when it has the last of them, and each is a request of its own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

/// Puts the style sheets of the page in `dist` into one, in their order; `address` is where the page is served.
pub(crate) fn join(dist: &Path, address: &str) -> Result<()> {
    let file = dist.join("index.html");
    let page = fs::read_to_string(&file).with_context(|| format!("no page at {}", file.display()))?;
    let (mut rest, links) = split(&page);
    let mut whole = String::new();
    for href in &links {
        let sheet = dist.join(href.strip_prefix(address).unwrap_or(href));
        let css = fs::read_to_string(&sheet)
            .with_context(|| format!("the page names {}, which is not there", sheet.display()))?;
        whole.push_str(css.trim_end());
        whole.push('\n');
    }
    if links.len() < 2 {
        return Ok(());
    }
    let mut hasher = DefaultHasher::new();
    whole.hash(&mut hasher);
    let name = format!("assets/styles-{:016x}.css", hasher.finish());
    fs::write(dist.join(&name), whole)?;
    let link = format!("<link rel=\"stylesheet\" href=\"{address}{name}\">");
    let place = rest.find("</head>").context("the page has no head")?;
    rest.insert_str(place, &link);
    fs::write(&file, rest)?;
    for href in links {
        fs::remove_file(dist.join(href.strip_prefix(address).unwrap_or(&href)))?;
    }
    Ok(())
}

/// The page without its links to style sheets, and where those lead.
fn split(page: &str) -> (String, Vec<String>) {
    let (mut kept, mut links) = (String::new(), Vec::new());
    let mut rest = page;
    while let Some((before, tail)) = rest.split_once("<link") {
        kept.push_str(before);
        let (attributes, after) = tail.split_once('>').unwrap_or((tail, ""));
        let href = attributes
            .split_once("href=\"")
            .and_then(|(_, value)| value.split_once('"'));
        match href {
            Some((href, _)) if attributes.contains("rel=\"stylesheet\"") => links.push(href.to_owned()),
            _ => {
                kept.push_str("<link");
                kept.push_str(attributes);
                kept.push('>');
            }
        }
        rest = after;
    }
    kept.push_str(rest);
    (kept, links)
}

#[cfg(test)]
mod tests {
    use super::join;
    use std::fs;

    #[test]
    fn the_sheets_become_one_in_their_order() {
        let dist = std::env::temp_dir().join(format!("ponte-styles-{}", std::process::id()));
        fs::create_dir_all(dist.join("assets")).unwrap();
        fs::write(dist.join("assets/a-1.css"), "a{color:red}\n").unwrap();
        fs::write(dist.join("assets/b-2.css"), "a{color:blue}").unwrap();
        let page = "<head><link rel=\"icon\" href=\"/i.svg\" /><link rel=\"stylesheet\" href=\"/x/assets/a-1.css\"/>\
            <link rel=\"stylesheet\" href=\"/x/assets/b-2.css\"/></head><body></body>";
        fs::write(dist.join("index.html"), page).unwrap();
        join(&dist, "/x/").unwrap();
        let page = fs::read_to_string(dist.join("index.html")).unwrap();
        assert!(page.starts_with(
            "<head><link rel=\"icon\" href=\"/i.svg\" /><link rel=\"stylesheet\" href=\"/x/assets/styles-"
        ));
        assert_eq!(page.matches("stylesheet").count(), 1);
        let sheets: Vec<_> = fs::read_dir(dist.join("assets")).unwrap().flatten().collect();
        assert_eq!(sheets.len(), 1);
        assert_eq!(
            fs::read_to_string(sheets[0].path()).unwrap(),
            "a{color:red}\na{color:blue}\n"
        );
        fs::remove_dir_all(&dist).unwrap();
    }
}
