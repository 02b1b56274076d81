use super::defaults;
use super::dids::Dids;
use super::emergency::Emergency;
use crate::config::{FeatureCodes, OwnNumbers, SiteConfig};
use crate::store::DidRow;
use ponte_call_core::{Dialled, NumberClass, TrunkId};
use ponte_protocol::{AccountCode, DialString, E164, Extension};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

/// The numbering plan of a site. Reading a number takes microseconds, so nothing is cached.
#[derive(Clone, Debug)]
pub struct NumberingPlan {
    region: Option<Region>,
    emergency: Emergency,
    extensions: Vec<String>,
    own_numbers: Vec<OwnNumbers>,
    dids: Dids,
    features: FeatureCodes,
}

impl NumberingPlan {
    /// The plan of a site without DIDs, and with the feature codes that hold where nothing else is configured.
    pub fn new(site: &SiteConfig) -> Self {
        let code = defaults::calling_code(&site.country).unwrap_or_default();
        Self {
            region: defaults::region(&site.country),
            emergency: Emergency::new(&site.emergency_numbers, code),
            extensions: site.extensions.clone(),
            own_numbers: site.own_numbers.clone(),
            dids: Dids::default(),
            features: FeatureCodes::default(),
        }
    }

    /// The plan with other feature codes.
    #[must_use]
    pub fn with_features(mut self, features: &FeatureCodes) -> Self {
        self.features = features.clone();
        self
    }

    /// The plan with these DIDs and no others.
    #[must_use]
    pub fn with_dids(mut self, dids: &[DidRow]) -> Self {
        self.dids = Dids::new(dids);
        self
    }

    /// Reads what a trunk says was called: a DID, with or without its `+`, in the country's own form or behind an
    /// international prefix, or an extension. A stranger's call never leads anywhere else: a number of the site that
    /// reaches nobody is [`Dialled::Own`] without extension, and everything else [`Dialled::Invalid`].
    pub fn read_incoming(&self, called: &DialString, trunk: &TrunkId) -> Dialled {
        let text = called.as_str();
        let bare = text.trim_start_matches('+');
        let with_plus = format!("+{bare}").parse::<E164>().ok();
        let own = with_plus
            .into_iter()
            .chain(self.e164(text).map(|(_, number)| number))
            .find(|number| self.is_own(number));
        if let Some(number) = own {
            return Dialled::Own {
                extension: self.dids.extension(&number, Some(trunk)),
            };
        }
        match self.extension(text) {
            Some(extension) => Dialled::Own {
                extension: Some(extension),
            },
            None => Dialled::Invalid,
        }
    }

    /// Reads what a person dialled, in any of the ways in which numbers are written in the site's country.
    pub fn read(&self, dialled: &DialString) -> Dialled {
        let text = dialled.as_str();
        if self.emergency.is_plain(text) {
            return Dialled::Emergency;
        }
        if let Some(extension) = self.extension(text) {
            return Dialled::Own {
                extension: Some(extension),
            };
        }
        let read = self.external(text);
        // A subscriber's valid number is what was meant, even where it looks like 112 behind a prefix.
        if matches!(read, Dialled::Invalid) && self.emergency.is_dressed(text) {
            return Dialled::Emergency;
        }
        read
    }

    /// Reads what a person dialled together with the account code before it: what is dialled, how that is read, and what it
    /// is to be booked to. No code is in the way of an emergency call; with one of a form that no code has, any other number
    /// is [`Dialled::Invalid`].
    pub fn read_booked(&self, typed: DialString) -> (DialString, Dialled, Option<AccountCode>) {
        let Some((code, number)) = self.features.account_code(typed.as_str()) else {
            let dialled = self.read(&typed);
            return (typed, dialled, None);
        };
        let Ok(number) = number.parse::<DialString>() else {
            return (typed, Dialled::Invalid, None);
        };
        let code = code.parse::<AccountCode>().ok();
        match self.read(&number) {
            Dialled::Emergency => (number, Dialled::Emergency, None),
            dialled if code.is_some() => (number, dialled, code),
            _ => (typed, Dialled::Invalid, None),
        }
    }

    /// What is dialled for a service that a telephone names instead of a number: `sos`, `sos.fire`. The first of the site's
    /// emergency numbers.
    pub fn emergency_service(&self, service: &str) -> Option<DialString> {
        self.emergency.of_service(service)?.parse().ok()
    }

    /// The emergency number that a person means, as a carrier is to be told it: `112` where `0112`, `+39112` or `#31#112`
    /// was dialled. What is no emergency number stays as it is.
    pub fn bare_emergency<'a>(&self, dialled: &'a DialString) -> &'a str {
        self.emergency.bare(dialled.as_str()).unwrap_or(dialled.as_str())
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

    fn extension(&self, digits: &str) -> Option<Extension> {
        self.is_extension(digits).then(|| digits.parse().ok()).flatten()
    }

    /// Whether the number reaches this site from outside.
    pub fn is_own(&self, number: &E164) -> bool {
        self.dids.contains(number) || self.is_configured(number)
    }

    fn is_configured(&self, number: &E164) -> bool {
        self.own_numbers.iter().any(|own| match own {
            OwnNumbers::Single(single) => single == number,
            OwnNumbers::Range { first, last } => {
                first.as_str().len() == number.as_str().len() && first <= number && number <= last
            }
            OwnNumbers::Prefix(prefix) => number.as_str().starts_with(prefix),
        })
    }

    /// The number as the country's plan reads it, valid or not.
    fn e164(&self, text: &str) -> Option<(PhoneNumber, E164)> {
        let parsed = PHONE_NUMBER_UTIL.parse(text, self.region).ok()?;
        let number = parsed.format_as(PhoneNumberFormat::E164).parse().ok()?;
        Some((parsed, number))
    }

    fn external(&self, text: &str) -> Dialled {
        if let Some(feature) = self.features.read(text) {
            return Dialled::FeatureCode(Some(feature));
        }
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
        let Some((parsed, number)) = self.e164(text) else {
            return Dialled::Invalid;
        };
        if self.is_own(&number) {
            return Dialled::Own {
                extension: self.dids.extension(&number, None),
            };
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
