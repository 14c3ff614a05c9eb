//! Playing in a window.

use crate::failure::{Cause, Failure};
use crate::frame::{Frame, draw_nearest};
use crate::player::Player;
use pvm_system::KeyEvent;
use softbuffer::{Context, Surface};
use std::num::NonZeroU32;
use std::rc::Rc;
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{ElementState, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop, OwnedDisplayHandle};
use winit::keyboard::{KeyCode, PhysicalKey};
use winit::window::{Window, WindowId};

/// The window's size at the start.
const SIZE: LogicalSize<u32> = LogicalSize::new(960, 720);

/// What the guest's thread says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    /// There is a picture.
    Picture,
    /// There is no game any more.
    Over,
}

/// Where news come in; not every host has a screen.
pub(crate) fn event_loop() -> Result<EventLoop<News>, Failure> {
    let made = EventLoop::with_user_event().build();
    made.map_err(|error| {
        Failure::new(Cause::Output, format_args!("no window: {error}; `pvm-doom terminal` needs none"))
    })
}

/// Plays until the player closes the window or the game is over.
pub(crate) fn play(events: EventLoop<News>, player: &Player) -> Result<(), Failure> {
    let context = Context::new(events.owned_display_handle()).map_err(|error| failed(&error))?;
    let mut view =
        View { context, player: player.clone(), open: None, frame: Frame::default(), down: Vec::new(), failure: None };
    let ended = events.run_app(&mut view);
    player.leave();
    match (view.failure, ended) {
        (Some(failure), _) => Err(failure),
        (None, ended) => ended.map_err(|error| failed(&error)),
    }
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::new(Cause::Output, format_args!("the window failed: {error}"))
}

type Pixels = Surface<OwnedDisplayHandle, Rc<Window>>;

struct View {
    context: Context<OwnedDisplayHandle>,
    player: Player,
    open: Option<(Rc<Window>, Pixels)>,
    frame: Frame,
    /// Keys that are down: they go up when the window loses them.
    down: Vec<u16>,
    failure: Option<Failure>,
}

impl View {
    fn draw(&mut self) -> Result<(), Failure> {
        let Some((window, pixels)) = &mut self.open else {
            return Ok(());
        };
        let size = window.inner_size();
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        pixels.resize(width, height).map_err(|error| failed(&error))?;
        let mut buffer = pixels.buffer_mut().map_err(|error| failed(&error))?;
        let [width, height] = [size.width, size.height].map(pvm_num::casts::to_usize);
        draw_nearest(&self.frame, &mut buffer, width, height);
        buffer.present().map_err(|error| failed(&error))
    }

    fn open(&mut self, events: &ActiveEventLoop) -> Result<(), Failure> {
        let attributes = Window::default_attributes().with_title("Doom on PVM").with_inner_size(SIZE);
        let window = Rc::new(events.create_window(attributes).map_err(|error| failed(&error))?);
        let pixels = Surface::new(&self.context, Rc::clone(&window)).map_err(|error| failed(&error))?;
        self.open = Some((window, pixels));
        Ok(())
    }

    /// Ends the loop if something failed.
    fn check(&mut self, events: &ActiveEventLoop, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.failure.get_or_insert(failure);
            events.exit();
        }
    }

    fn press(&mut self, usage: u16, is_down: bool) {
        self.down.retain(|other| *other != usage);
        if is_down {
            self.down.push(usage);
        }
        self.player.press(KeyEvent { usage, is_down });
    }
}

impl ApplicationHandler<News> for View {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.open.is_none() {
            let opened = self.open(events);
            self.check(events, opened);
        }
    }

    fn user_event(&mut self, events: &ActiveEventLoop, news: News) {
        match news {
            News::Over => events.exit(),
            News::Picture => {
                if let Some(frame) = self.player.take_frame() {
                    self.frame = frame;
                    if let Some((window, _)) = &self.open {
                        window.request_redraw();
                    }
                }
            }
        }
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => events.exit(),
            WindowEvent::RedrawRequested => {
                let drawn = self.draw();
                self.check(events, drawn);
            }
            WindowEvent::Focused(false) => {
                for usage in std::mem::take(&mut self.down) {
                    self.player.press(KeyEvent { usage, is_down: false });
                }
            }
            WindowEvent::KeyboardInput { event, .. } if !event.repeat => {
                if let PhysicalKey::Code(code) = event.physical_key
                    && let Some(usage) = usage(code)
                {
                    self.press(usage, event.state == ElementState::Pressed);
                }
            }
            _ => {}
        }
    }
}

/// Keys of rows whose usages follow each other: the first usage, the keys.
const ROWS: [(u16, &[KeyCode]); 6] = {
    use KeyCode::*;
    [
        (
            4,
            &[
                KeyA,
                KeyB,
                KeyC,
                KeyD,
                KeyE,
                KeyF,
                KeyG,
                KeyH,
                KeyI,
                KeyJ,
                KeyK,
                KeyL,
                KeyM,
                KeyN,
                KeyO,
                KeyP,
                KeyQ,
                KeyR,
                KeyS,
                KeyT,
                KeyU,
                KeyV,
                KeyW,
                KeyX,
                KeyY,
                KeyZ,
                Digit1,
                Digit2,
                Digit3,
                Digit4,
                Digit5,
                Digit6,
                Digit7,
                Digit8,
                Digit9,
                Digit0,
                Enter,
                Escape,
                Backspace,
                Tab,
                Space,
                Minus,
                Equal,
                BracketLeft,
                BracketRight,
                Backslash,
            ],
        ),
        (51, &[Semicolon, Quote, Backquote, Comma, Period, Slash, CapsLock]),
        (58, &[F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12]),
        (72, &[Pause, Insert, Home, PageUp, Delete, End, PageDown]),
        (79, &[ArrowRight, ArrowLeft, ArrowDown, ArrowUp]),
        (224, &[ControlLeft, ShiftLeft, AltLeft, SuperLeft, ControlRight, ShiftRight, AltRight]),
    ]
};

fn usage(code: KeyCode) -> Option<u16> {
    ROWS.iter().find_map(|(first, row)| {
        let at = row.iter().position(|other| *other == code)?;
        Some(first + u16::try_from(at).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_usages_of_the_tables() {
        let cases = [
            (KeyCode::KeyA, 4),
            (KeyCode::KeyZ, 29),
            (KeyCode::Digit0, 39),
            (KeyCode::Enter, 40),
            (KeyCode::Backslash, 49),
            (KeyCode::CapsLock, 57),
            (KeyCode::F12, 69),
            (KeyCode::PageDown, 78),
            (KeyCode::ArrowUp, 82),
            (KeyCode::ControlLeft, 224),
            (KeyCode::AltRight, 230),
        ];
        for (code, expected) in cases {
            assert_eq!(usage(code), Some(expected), "{code:?}");
        }
        assert_eq!(usage(KeyCode::Fn), None);
    }
}
