//! Passwords: made at random, hashed with Argon2id, compared in constant time.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordVerifier, Version,
    password_hash::{PasswordHasher, Salt},
};
use lookout_core::profile::{
    settings::Settings,
    wire::{Password, Secret},
};

/// OWASP's setting with the least memory (7 MiB, 5 passes): a small board has little.
fn argon2() -> Argon2<'static> {
    const PARAMS: Params = match Params::new(7 * 1024, 5, 1, None) {
        Ok(params) => params,
        Err(_) => Params::DEFAULT,
    };
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

/// Why no password could be made: the system has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandom(getrandom::Error);

/// Fills an array with random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandom)?;
    Ok(bytes)
}

/// Makes a password of 12 characters that can be read aloud and typed: 32 different ones, so 60 bits.
pub fn make() -> Result<Secret, NoRandom> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let text = random::<{ Password::MAX }>()?.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Ok(Secret::new(text.iter().collect::<String>()))
}

/// Replaces every password that is kept as typed by its hash.
pub fn seal(settings: &mut Settings) -> Result<(), NoRandom> {
    for user in &mut settings.users {
        if let Password::Plain(plain) = &user.pwd {
            user.pwd = Password::Hash(hash(plain)?);
        }
    }
    Ok(())
}

fn hash(plain: &Secret) -> Result<Secret, NoRandom> {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let salt = STANDARD_NO_PAD.encode(random::<16>()?);
    let salt = Salt::from_b64(&salt).expect("16 bytes in base64 are a salt");
    let hash = argon2().hash_password(plain.expose().as_bytes(), salt);
    Ok(Secret::new(hash.expect("parameters and salt are legal, and 12 bytes are no long password").to_string()))
}

/// Makes a key of a password.
pub fn key(pwd: &str, salt: &[u8; 16]) -> [u8; 32] {
    let mut key = [0; 32];
    argon2().hash_password_into(pwd.as_bytes(), salt, &mut key).expect("password, salt and key have legal lengths");
    key
}

/// Says whether a login can be checked against it at the cost of all others: a hash from elsewhere may be none, or ask
/// for any amount of memory.
pub fn can_be_verified(password: &Password) -> bool {
    match password {
        Password::Blank | Password::Plain(_) => true,
        Password::Hash(hash) => {
            let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
            let hash = PasswordHash::new(hash.expose()).ok().filter(|hash| hash.hash.is_some());
            let params = hash.and_then(|hash| Params::try_from(&hash).ok());
            params.is_some_and(|params| costs(&params) == costs(argon2().params()))
        }
    }
}

/// Says whether `given` is the password; takes as long for a user that does not exist (`None`) as for a wrong one.
pub fn verify(password: Option<&Password>, given: &str) -> bool {
    /// The hash of nothing that anyone knows, with the parameters of all others.
    const NOBODY: &str =
        "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let fits = |hash: &str| {
        let verify = |hash| argon2().verify_password(given.as_bytes(), &hash);
        PasswordHash::new(hash).is_ok_and(|hash| verify(hash).is_ok())
    };
    match password {
        Some(Password::Hash(hash)) => fits(hash.expose()),
        Some(Password::Plain(plain)) => {
            lookout_core::access::credentials::same_secret(plain.expose().as_bytes(), given.as_bytes())
                && !given.is_empty()
        }
        Some(Password::Blank) | None => {
            let _as_long_as_others = fits(NOBODY);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_password_verifies_and_another_does_not() {
        let mut settings = Settings::factory();
        settings.users[0].pwd = Password::Plain(Secret::new("sesame open"));
        seal(&mut settings).unwrap();
        let kept = &settings.users[0].pwd;
        assert!(matches!(kept, Password::Hash(_)));
        assert!(verify(Some(kept), "sesame open") && !verify(Some(kept), "sesame opens") && !verify(Some(kept), ""));
        assert_eq!(settings.users[1].pwd, Password::Blank);
    }

    #[test]
    fn a_blank_password_never_authenticates() {
        for stored in [None, Some(&Password::Blank), Some(&Password::Plain(Secret::new("")))] {
            assert!(!verify(stored, ""), "{stored:?}");
        }
    }

    #[test]
    fn a_hash_that_costs_more_than_ours_or_is_none_cannot_be_verified() {
        let mut settings = Settings::factory();
        settings.users[0].pwd = Password::Plain(Secret::new("sesame open"));
        assert!(can_be_verified(&settings.users[0].pwd) && can_be_verified(&Password::Blank));
        seal(&mut settings).unwrap();
        let Password::Hash(ours) = &settings.users[0].pwd else { unreachable!("it was sealed") };
        let hash = |text: &str| can_be_verified(&Password::Hash(Secret::new(text)));
        assert!(hash(ours.expose()));
        for (part, other) in [("m=7168", "m=4194304"), ("t=5", "t=4000000000"), ("p=1", "p=200")] {
            assert!(!hash(&ours.expose().replace(part, other)), "{other}");
        }
        let cut = ours.expose().rsplit_once('$').unwrap().0;
        assert!(!hash(cut) && !hash("$argon2id$v=19$m=7168,t=5,p=1") && !hash("$argon2id$"));
    }

    #[test]
    fn a_key_is_made_of_its_password_and_its_salt() {
        let keys = [key("sesame", &[1; 16]), key("sesame", &[2; 16]), key("sesam", &[1; 16])];
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[0] == key("sesame", &[1; 16]));
    }

    #[test]
    fn made_passwords_differ_and_fit_the_profile() {
        let made = [make().unwrap(), make().unwrap()];
        assert_ne!(made[0], made[1]);
        assert!(made.iter().all(|secret| secret.expose().len() == 12));
    }
}
