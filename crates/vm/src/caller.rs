//! Host functions and what they see of their caller.

use crate::RawInstance;
use crate::Reg;
use crate::abi::{AbiTy, Registers, ReturnTy};
use std::sync::Arc;

/// The guest that called a host function, and the host's own data.
#[non_exhaustive]
pub struct Caller<'a, UserData = ()> {
    /// The host's data.
    pub user_data: &'a mut UserData,
    /// The guest.
    pub instance: &'a mut RawInstance,
}

impl<'a, UserData> Caller<'a, UserData> {
    pub(crate) fn new(user_data: &'a mut UserData, instance: &'a mut RawInstance) -> Self {
        Caller { user_data, instance }
    }
}

type Call<UserData, UserError> = dyn Fn(Caller<'_, UserData>) -> Result<(), UserError> + Send + Sync;

/// A host function, ready to be called.
pub struct CallFn<UserData, UserError> {
    pub(crate) call: Arc<Call<UserData, UserError>>,
    /// How many registers its arguments take.
    pub(crate) registers: fn(bool) -> usize,
}

impl<UserData, UserError> CallFn<UserData, UserError> {
    pub(crate) fn untyped(
        call: impl Fn(Caller<'_, UserData>) -> Result<(), UserError> + Send + Sync + 'static,
    ) -> Self {
        CallFn { call: Arc::new(call), registers: |_| 0 }
    }
}

impl<UserData, UserError> Clone for CallFn<UserData, UserError> {
    fn clone(&self) -> Self {
        CallFn { call: Arc::clone(&self.call), registers: self.registers }
    }
}

/// A function the host can offer: up to six arguments, a [`Caller`] in front of them if it wants to see it, and a return
/// value, a result, or nothing.
pub trait IntoCallFn<UserData, UserError, Params, Return>: Send + Sync + 'static {
    /// Wraps it.
    fn into_call_fn(self) -> CallFn<UserData, UserError>;
}

/// Reads arguments, calls, writes the return value.
#[inline]
fn call<UserData, UserError, Return: ReturnTy<UserError>>(
    caller: Caller<'_, UserData>,
    function: impl FnOnce(Caller<'_, UserData>, &mut Registers) -> Return,
) -> Result<(), UserError> {
    let Caller { user_data, instance } = caller;
    let is_64_bit = instance.is_64_bit();
    let mut arguments = Registers::of(is_64_bit, instance.machine.arguments());
    let result = function(Caller::new(user_data, instance), &mut arguments);
    let mut results = Registers::new(is_64_bit);
    result.push(&mut results)?;
    for (reg, value) in Reg::ARG_REGS.into_iter().zip(results.written()) {
        instance.set_reg(reg, *value);
    }
    Ok(())
}

macro_rules! functions {
    ($($($name:ident)*;)*) => {$(
        impl<UserData, UserError, Function, Return, $($name,)*> IntoCallFn<UserData, UserError, ($($name,)*), Return>
            for Function
        where
            Function: Fn($($name),*) -> Return + Send + Sync + 'static,
            Return: ReturnTy<UserError>,
            $($name: AbiTy,)*
        {
            #[allow(non_snake_case)]
            fn into_call_fn(self) -> CallFn<UserData, UserError> {
                CallFn {
                    call: Arc::new(move |caller: Caller<'_, UserData>| {
                        call(caller, |_, _registers| {
                            $(let $name = <$name as AbiTy>::pull(_registers);)*
                            self($($name),*)
                        })
                    }),
                    registers: |_is_64_bit| 0 $(+ <$name as AbiTy>::registers(_is_64_bit))*,
                }
            }
        }

        impl<UserData, UserError, Function, Return, $($name,)*>
            IntoCallFn<UserData, UserError, (Caller<'_, UserData>, $($name,)*), Return> for Function
        where
            Function: Fn(Caller<'_, UserData>, $($name),*) -> Return + Send + Sync + 'static,
            Return: ReturnTy<UserError>,
            $($name: AbiTy,)*
        {
            #[allow(non_snake_case)]
            fn into_call_fn(self) -> CallFn<UserData, UserError> {
                CallFn {
                    call: Arc::new(move |caller: Caller<'_, UserData>| {
                        call(caller, |caller, _registers| {
                            $(let $name = <$name as AbiTy>::pull(_registers);)*
                            self(caller, $($name),*)
                        })
                    }),
                    registers: |_is_64_bit| 0 $(+ <$name as AbiTy>::registers(_is_64_bit))*,
                }
            }
        }
    )*};
}
functions! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}
