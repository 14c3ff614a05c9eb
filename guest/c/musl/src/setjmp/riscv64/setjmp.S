/* The E profile keeps s0, s1, sp and ra over calls. There are no signals for sigsetjmp to save. */
.global __setjmp, _setjmp, setjmp, __sigsetjmp, sigsetjmp
.type setjmp, %function
__setjmp:
_setjmp:
__sigsetjmp:
sigsetjmp:
setjmp:
	sd s0, 0(a0)
	sd s1, 8(a0)
	sd sp, 16(a0)
	sd ra, 24(a0)
	li a0, 0
	ret
