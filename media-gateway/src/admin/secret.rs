//! Passwords and PINs that nobody guesses.

use super::AdminError;

/// Without the characters that people mistake for one another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 100 bits.
const PASSWORD: usize = 20;
const PIN: usize = 6;

/// A telephone's password.
///
/// # Errors
/// [`AdminError::System`] without randomness.
pub fn generated_password() -> Result<String, AdminError> {
    let mut random = [0; PASSWORD];
    getrandom::fill(&mut random).map_err(|_| AdminError::System)?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    Ok(random.into_iter().map(letter).collect())
}

/// Six digits for a telephone's keys.
///
/// # Errors
/// [`AdminError::System`] without randomness.
pub fn generated_pin() -> Result<String, AdminError> {
    let mut pin = String::with_capacity(PIN);
    while pin.len() < PIN {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|_| AdminError::System)?;
        // 250 is the last multiple of ten: no digit comes more often than another.
        if byte[0] < 250 {
            pin.push(char::from(b'0' + byte[0] % 10));
        }
    }
    Ok(pin)
}
