//! What waits to be published: of each topic the newest, and nothing else.

/// Messages on their way to the broker, one a topic, in the order in which they were first put there.
///
/// The bargain: it is bounded by the number of topics, and whoever puts something in never waits.
#[derive(Debug)]
pub struct Outbox<T> {
    waiting: Vec<(String, T)>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: Vec::new() }
    }
}

impl<T> Outbox<T> {
    /// Puts a message in; returns the one of the same topic that it replaces.
    pub fn put(&mut self, topic: String, message: T) -> Option<T> {
        if let Some((_, old)) = self.waiting.iter_mut().find(|(known, _)| *known == topic) {
            return Some(std::mem::replace(old, message));
        }
        self.waiting.push((topic, message));
        None
    }

    /// Takes the message that has waited longest.
    pub fn take(&mut self) -> Option<(String, T)> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_topic_the_newest_is_kept_at_the_place_of_the_first() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.put("a".into(), 1), None);
        assert_eq!(outbox.put("b".into(), 2), None);
        assert_eq!(outbox.put("a".into(), 3), Some(1));
        assert_eq!(outbox.take(), Some(("a".into(), 3)));
        assert_eq!(outbox.take(), Some(("b".into(), 2)));
        assert_eq!(outbox.take(), None);
    }
}
