//! From text to tree (RFC 8259).

use super::{Json, JsonError};

/// How deep lists and objects may stand in each other, as in `serde_json`: a hostile text must not end the stack.
const DEPTH_MAX: usize = 127;

/// Reads a text that is one JSON value.
///
/// # Errors
/// [`JsonError::Syntax`].
pub fn parse(text: &str) -> Result<Json, JsonError> {
    let mut parser = Parser { text, at: 0 };
    parser.whole().ok_or(JsonError::Syntax { at: parser.at })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// `None`: no JSON from here on.
impl Parser<'_> {
    fn whole(&mut self) -> Option<Json> {
        let value = self.value(DEPTH_MAX)?;
        self.skip_space();
        (self.at == self.text.len()).then_some(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_if(&mut self, wanted: u8) -> bool {
        let is = self.peek() == Some(wanted);
        self.at += usize::from(is);
        is
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_space();
        match self.peek()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.list(depth.checked_sub(1)?),
            b'"' => self.string().map(Json::Text),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        if !self.text.get(self.at..)?.starts_with(word) {
            return None;
        }
        self.at += word.len();
        Some(value)
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut fields = Vec::new();
        self.skip_space();
        if self.take_if(b'}') {
            return Some(Json::Object(fields));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.skip_space();
            if !self.take_if(b':') {
                return None;
            }
            fields.push((name, self.value(depth)?));
            if !self.goes_on(b'}')? {
                return Some(Json::Object(fields));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take_if(b']') {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            if !self.goes_on(b']')? {
                return Some(Json::List(items));
            }
        }
    }

    /// After an item: whether another one follows.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        if self.take_if(b',') {
            return Some(true);
        }
        self.take_if(end).then_some(false)
    }

    fn string(&mut self) -> Option<String> {
        if !self.take_if(b'"') {
            return None;
        }
        let mut out = String::new();
        let mut plain_from = self.at;
        loop {
            match self.peek()? {
                b'"' => {
                    out.push_str(self.text.get(plain_from..self.at)?);
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => {
                    out.push_str(self.text.get(plain_from..self.at)?);
                    self.at += 1;
                    out.push(self.escape()?);
                    plain_from = self.at;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        })
    }

    /// Four digits, or a surrogate pair of them.
    fn unicode(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !(self.take_if(b'\\') && self.take_if(b'u')) {
            return None;
        }
        let low = self
            .four_digits()?
            .checked_sub(0xdc00)
            .filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + char::from(self.peek()?).to_digit(16)?;
            self.at += 1;
        }
        Some(value)
    }

    fn number(&mut self) -> Option<Json> {
        let negative = self.take_if(b'-');
        let digits_from = self.at;
        let mut value = Some(0_u64);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value
                .and_then(|value| value.checked_mul(10))
                .and_then(|value| value.checked_add(u64::from(digit - b'0')));
            self.at += 1;
        }
        let digits = self.at - digits_from;
        let leads_with_zero = self.text.as_bytes().get(digits_from) == Some(&b'0');
        if digits == 0 || (leads_with_zero && digits > 1) {
            return None;
        }
        let mut whole = !negative;
        if self.take_if(b'.') {
            self.some_digits()?;
            whole = false;
        }
        if self.take_if(b'e') || self.take_if(b'E') {
            let _ = self.take_if(b'+') || self.take_if(b'-');
            self.some_digits()?;
            whole = false;
        }
        Some(value.filter(|_| whole).map_or(Json::OtherNumber, Json::Whole))
    }

    fn some_digits(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }
}
