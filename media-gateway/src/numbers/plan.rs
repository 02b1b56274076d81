use super::defaults;
use super::emergency::Emergency;
use crate::config::{OwnNumbers, SiteConfig};
use ponte_call_core::{Dialled, NumberClass};
use ponte_protocol::{DialString, E164};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

/// The numbering plan of a site. Reading a number takes microseconds, so nothing is cached.
#[derive(Clone, Debug)]
pub struct NumberingPlan {
    region: Option<Region>,
    emergency: Emergency,
    extensions: Vec<String>,
    own_numbers: Vec<OwnNumbers>,
}

impl NumberingPlan {
    pub fn new(site: &SiteConfig) -> Self {
        let code = defaults::calling_code(&site.country).unwrap_or_default();
        Self {
            region: defaults::region(&site.country),
            emergency: Emergency::new(&site.emergency_numbers, code),
            extensions: site.extensions.clone(),
            own_numbers: site.own_numbers.clone(),
        }
    }

    /// Reads what a person dialled, in any of the ways in which numbers are written in the site's country.
    pub fn read(&self, dialled: &DialString) -> Dialled {
        let text = dialled.as_str();
        if self.emergency.is_plain(text) {
            return Dialled::Emergency;
        }
        if self.is_extension(text) {
            let extension = text.parse().ok();
            return Dialled::Own { extension };
        }
        let read = self.external(text);
        // A subscriber's valid number is what was meant, even where it looks like 112 behind a prefix.
        if matches!(read, Dialled::Invalid) && self.emergency.is_dressed(text) {
            return Dialled::Emergency;
        }
        read
    }

    /// Whether the digits fit one of the site's patterns of extensions.
    pub fn is_extension(&self, digits: &str) -> bool {
        let fits = |pattern: &String| {
            pattern.len() == digits.len()
                && pattern
                    .bytes()
                    .zip(digits.bytes())
                    .all(|(wanted, digit)| wanted == digit || (wanted == b'x' && digit.is_ascii_digit()))
        };
        self.extensions.iter().any(fits)
    }

    /// Whether the number reaches this site from outside.
    pub fn is_own(&self, number: &E164) -> bool {
        self.own_numbers.iter().any(|own| match own {
            OwnNumbers::Single(single) => single == number,
            OwnNumbers::Range { first, last } => {
                first.as_str().len() == number.as_str().len() && first <= number && number <= last
            }
            OwnNumbers::Prefix(prefix) => number.as_str().starts_with(prefix),
        })
    }

    fn external(&self, text: &str) -> Dialled {
        if text.starts_with(['*', '#']) {
            // A code that hides the number of a call to 112 is no feature code.
            return if text.contains('#') && self.emergency.is_dressed(text) {
                Dialled::Emergency
            } else {
                Dialled::FeatureCode(None)
            };
        }
        if text.contains(['*', '#']) {
            return Dialled::Invalid;
        }
        let Ok(parsed) = PHONE_NUMBER_UTIL.parse(text, self.region) else {
            return Dialled::Invalid;
        };
        let Ok(number) = parsed.format_as(PhoneNumberFormat::E164).parse::<E164>() else {
            return Dialled::Invalid;
        };
        if self.is_own(&number) {
            return Dialled::Own { extension: None };
        }
        if !parsed.is_valid() {
            return Dialled::Invalid;
        }
        Dialled::External {
            number,
            class: class(&parsed),
        }
    }
}

fn class(number: &PhoneNumber) -> NumberClass {
    match number.get_type() {
        PhoneNumberType::FixedLine => NumberClass::Fixed,
        // Where the plan cannot tell, a number is taken for a mobile: asking for confirmation on a landline is a nuisance,
        // not asking on a mobile gives the call to its voicemail (rule T14).
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => NumberClass::Mobile,
        // Personal numbers and pagers are billed far above ordinary calls too.
        PhoneNumberType::PremiumRate
        | PhoneNumberType::SharedCost
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::Pager => NumberClass::Premium,
        PhoneNumberType::TollFree
        | PhoneNumberType::VoIP
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::Unknown => NumberClass::Other,
    }
}
