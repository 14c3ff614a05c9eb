/* Doom's platform for PVM: pictures, keys and time through the system interface (docs/system.md). The engine's own header
 * says what it wants of one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doomgeneric.h"
#include "doomkeys.h"
#include "i_system.h"
#include "i_video.h"
#include "pvm_v1.h"
#include "sound.h"

enum { NANOSECONDS_PER_MS = 1000000, KEY_COUNT = 256 };

/* What a key is to the engine: its character, and what it does in the game if that is another code. The index is the key's
 * usage on page 7 of the USB HID tables. */
static const struct meaning { unsigned char character, action; } meanings[KEY_COUNT] = {
	[4] = {'a', KEY_STRAFE_L}, {'b'}, {'c'}, {'d', KEY_STRAFE_R}, {'e'}, {'f', KEY_FIRE}, {'g'}, {'h'}, {'i'}, {'j'}, {'k'}, {'l'},
	{'m'}, {'n'}, {'o'}, {'p'}, {'q'}, {'r'}, {'s', KEY_DOWNARROW}, {'t'}, {'u'}, {'v'}, {'w', KEY_UPARROW}, {'x'}, {'y'}, {'z'},
	[30] = {'1'}, {'2'}, {'3'}, {'4'}, {'5'}, {'6'}, {'7'}, {'8'}, {'9'}, {'0'},
	[40] = {KEY_ENTER}, {KEY_ESCAPE}, {KEY_BACKSPACE}, {KEY_TAB}, {' ', KEY_USE}, {KEY_MINUS}, {KEY_EQUALS}, {'['}, {']'}, {'\\'},
	[51] = {';'}, {'\''}, {'`'}, {',', KEY_STRAFE_L}, {'.', KEY_STRAFE_R}, {'/'}, {KEY_CAPSLOCK},
	[58] = {KEY_F1}, {KEY_F2}, {KEY_F3}, {KEY_F4}, {KEY_F5}, {KEY_F6}, {KEY_F7}, {KEY_F8}, {KEY_F9}, {KEY_F10}, {KEY_F11}, {KEY_F12},
	[72] = {KEY_PAUSE}, {KEY_INS}, {KEY_HOME}, {KEY_PGUP}, {KEY_DEL}, {KEY_END}, {KEY_PGDN},
	[79] = {KEY_RIGHTARROW}, {KEY_LEFTARROW}, {KEY_DOWNARROW}, {KEY_UPARROW},
	[224] = {KEY_FIRE}, {KEY_RSHIFT}, {KEY_RALT}, [228] = {KEY_FIRE}, {KEY_RSHIFT}, {KEY_RALT},
};

/* The C library looks for what a dynamic linker leaves behind: nothing. Weak and undefined would do for `pvm link`;
 * polkavm-linker, with which `pvm-doom compare` links the same file, wants a definition. */
const size_t _DYNAMIC[2] = {0};

static void leave(void)
{
	exit(EXIT_SUCCESS);
}

static void leave_after_error(void)
{
	exit(EXIT_FAILURE);
}

/* The engine stays in a loop after an error and goes on after quitting: the last of the functions it calls before that ends
 * the program. It calls the latest registered first, and after an error only those registered with `true`. */
void DG_Init(void)
{
	I_AtExit(leave_after_error, true);
	I_AtExit(leave, false);
}

void DG_SetWindowTitle(const char *title)
{
}

void DG_DrawFrame(void)
{
	pvm_v1_show(DG_ScreenBuffer, DOOMGENERIC_RESX, DOOMGENERIC_RESY);
	sound_play_tick();
}

/* A game that begins with a level shows its screen before it has drawn there, so that the first picture would be what the
 * allocator left behind. The engine asks for the time between allocating the screen and showing it. */
static void clear_new_screen(void)
{
	static const void *cleared;
	if (I_VideoBuffer == cleared) return;
	cleared = I_VideoBuffer;
	memset(I_VideoBuffer, 0, SCREENWIDTH * SCREENHEIGHT);
}

uint32_t DG_GetTicksMs(void)
{
	clear_new_screen();
	return pvm_v1_ticks() / NANOSECONDS_PER_MS;
}

void DG_SleepMs(uint32_t ms)
{
	int64_t end = pvm_v1_ticks() + (int64_t)ms * NANOSECONDS_PER_MS;
	while (pvm_v1_ticks() < end) {}
}

/* One event of the host is up to two of the engine. The engine stops asking for this tick when a key went up. */
int DG_GetKey(int *pressed, unsigned char *key)
{
	static int second_pressed;
	static unsigned char second;
	if (second) {
		*pressed = second_pressed;
		*key = second;
		second = 0;
		return 1;
	}
	for (;;) {
		int64_t event = pvm_v1_key();
		if (event < 0) return 0;
		const struct meaning *meaning = &meanings[event % KEY_COUNT];
		if ((event & ~(int64_t)PVM_KEY_DOWN) >= KEY_COUNT || !meaning->character) continue;
		*pressed = second_pressed = !!(event & PVM_KEY_DOWN);
		*key = meaning->character;
		second = meaning->action;
		return 1;
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IOLBF, BUFSIZ);
	doomgeneric_Create(argc, argv);
	for (;;) doomgeneric_Tick();
}
