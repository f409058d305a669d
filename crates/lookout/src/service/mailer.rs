//! Mails alarms (PROFILE 4.2).
