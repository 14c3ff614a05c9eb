//! The player's speaker, if this was built with sound and there is a device.

#[cfg(feature = "sound")]
pub(crate) use device::Speaker;
#[cfg(not(feature = "sound"))]
pub(crate) use none::Speaker;

#[cfg(feature = "sound")]
mod device {
    use rodio::{DeviceSinkBuilder, MixerDeviceSink, Source};
    use std::collections::VecDeque;
    use std::num::NonZero;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    const CHANNELS: NonZero<u16> = NonZero::new(2).expect("2 is not 0");
    const RATE: NonZero<u32> = NonZero::new(44_100).expect("44100 is not 0");
    /// Samples that wait at most, a quarter of a second: the oldest are dropped, so that sound does not fall behind the picture.
    const WAITING_MAX: usize = 44_100 / 2;

    type Waiting = Arc<Mutex<VecDeque<i16>>>;

    /// Plays samples on the default device.
    pub(crate) struct Speaker {
        waiting: Waiting,
        /// It is silent when this is gone.
        _sink: MixerDeviceSink,
    }

    impl Speaker {
        /// Opens the default device; why not, if it cannot be.
        pub(crate) fn open() -> Result<Speaker, String> {
            let opened = DeviceSinkBuilder::from_default_device()
                .and_then(|builder| builder.with_error_callback(|_| {}).open_stream());
            let mut sink = opened.map_err(|error| error.to_string())?;
            sink.log_on_drop(false);
            let waiting = Waiting::default();
            sink.mixer().add(Stream(Arc::clone(&waiting)));
            Ok(Speaker { waiting, _sink: sink })
        }

        /// Plays samples, left and right in turn, behind those that wait.
        pub(crate) fn play(&mut self, samples: &[i16]) {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.extend(samples);
            // Pairs stay together: both numbers are even.
            let surplus = waiting.len().saturating_sub(WAITING_MAX);
            waiting.drain(..surplus);
        }
    }

    /// What waits, then silence; it never ends.
    struct Stream(Waiting);

    impl Iterator for Stream {
        type Item = f32;

        fn next(&mut self) -> Option<f32> {
            let sample = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            Some(f32::from(sample.unwrap_or_default()) / 32_768.0)
        }
    }

    impl Source for Stream {
        fn current_span_len(&self) -> Option<usize> {
            None
        }

        fn channels(&self) -> NonZero<u16> {
            CHANNELS
        }

        fn sample_rate(&self) -> NonZero<u32> {
            RATE
        }

        fn total_duration(&self) -> Option<Duration> {
            None
        }
    }
}

#[cfg(not(feature = "sound"))]
mod none {
    /// There is none.
    pub(crate) enum Speaker {}

    impl Speaker {
        /// Says why not.
        pub(crate) fn open() -> Result<Speaker, String> {
            Err("built without the feature `sound`".to_owned())
        }

        /// Never happens.
        pub(crate) fn play(&mut self, _: &[i16]) {
            match *self {}
        }
    }
}
