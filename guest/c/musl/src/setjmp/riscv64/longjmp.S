.global _longjmp, longjmp
.type longjmp, %function
_longjmp:
longjmp:
	ld s0, 0(a0)
	ld s1, 8(a0)
	ld sp, 16(a0)
	ld ra, 24(a0)
	seqz a0, a1
	add a0, a0, a1
	ret
