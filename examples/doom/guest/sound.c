/* Sound effects: mixes the engine's channels into 44,100 frames a second. There is no music. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "i_sound.h"
#include "pvm_v1.h"
#include "sound.h"
#include "w_wad.h"
#include "z_zone.h"

enum {
	RATE = 44100,
	TICKS_PER_SECOND = 35,
	FRAMES = RATE / TICKS_PER_SECOND,
	CHANNELS = 16,
	/* A lump with an effect: format, samples a second, number of bytes; the first and last of these are padding. */
	HEADER = 8,
	PADDING = 16,
	FORMAT = 3,
	SILENCE = 128,
	VOLUME_MAX = 127,
	SEPARATION_MAX = 254,
	/* Samples have 8 bits and volumes up to 254: a sum of four at their loudest fits. */
	HEADROOM_SHIFT = 1,
};

/* Of the variables in the engine's configuration file. */
int use_libsamplerate = 0;
float libsamplerate_scale = 0;

struct effect {
	uint32_t rate;
	uint32_t length;
	uint8_t samples[];
};

/* What a channel plays, if any; the place in it is a 16.16 number. */
static struct channel {
	const struct effect *effect;
	uint64_t place;
	int left, right;
} channels[CHANNELS];

static boolean has_prefix;

static uint32_t word(const uint8_t *at, int bytes)
{
	uint32_t value = 0;
	while (bytes--) value = value << 8 | at[bytes];
	return value;
}

/* A copy of the effect in a lump, or null if it is none. */
static struct effect *load(int lump)
{
	struct effect *effect = 0;
	uint32_t size = W_LumpLength(lump);
	if (size < HEADER) return 0;
	const uint8_t *bytes = W_CacheLumpNum(lump, PU_STATIC);
	uint32_t rate = word(bytes + 2, 2), length = word(bytes + 4, 4);
	if (word(bytes, 2) == FORMAT && rate && length <= size - HEADER && length > 2 * PADDING) {
		length -= 2 * PADDING;
		effect = malloc(sizeof *effect + length);
		if (effect) {
			effect->rate = rate;
			effect->length = length;
			memcpy(effect->samples, bytes + HEADER + PADDING, length);
		}
	}
	W_ReleaseLumpNum(lump);
	return effect;
}

static boolean start_module(boolean use_prefix)
{
	has_prefix = use_prefix;
	return true;
}

static void stop_module(void)
{
	memset(channels, 0, sizeof channels);
}

static int lump_of(sfxinfo_t *sound)
{
	char name[16];
	snprintf(name, sizeof name, "%s%s", has_prefix ? "ds" : "", (sound->link ? sound->link : sound)->name);
	return W_CheckNumForName(name);
}

static void update(void)
{
}

static void set_place(int channel, int volume, int separation)
{
	if (channel < 0 || channel >= CHANNELS) return;
	channels[channel].left = (SEPARATION_MAX - separation) * volume / VOLUME_MAX;
	channels[channel].right = separation * volume / VOLUME_MAX;
}

static int start(sfxinfo_t *sound, int channel, int volume, int separation)
{
	if (channel < 0 || channel >= CHANNELS || sound->lumpnum < 0) return -1;
	if (!sound->driver_data) sound->driver_data = load(sound->lumpnum);
	if (!sound->driver_data) return -1;
	channels[channel].effect = sound->driver_data;
	channels[channel].place = 0;
	set_place(channel, volume, separation);
	return channel;
}

static void stop(int channel)
{
	if (channel >= 0 && channel < CHANNELS) channels[channel].effect = 0;
}

static boolean is_playing(int channel)
{
	return channel >= 0 && channel < CHANNELS && channels[channel].effect;
}

static snddevice_t devices[] = {SNDDEVICE_SB};

sound_module_t DG_sound_module = {
	devices, 1, start_module, stop_module, lump_of, update, set_place, start, stop, is_playing, 0,
};

static void add(struct channel *channel, int32_t (*mix)[2])
{
	const struct effect *effect = channel->effect;
	uint64_t step = ((uint64_t)effect->rate << 16) / RATE;
	for (int i = 0; i < FRAMES; i++) {
		uint64_t at = channel->place >> 16;
		if (at >= effect->length) {
			channel->effect = 0;
			return;
		}
		int32_t sample = effect->samples[at] - SILENCE;
		mix[i][0] += sample * channel->left;
		mix[i][1] += sample * channel->right;
		channel->place += step;
	}
}

static int16_t clamp(int32_t sample)
{
	return sample < INT16_MIN ? INT16_MIN : sample > INT16_MAX ? INT16_MAX : sample;
}

void sound_play_tick(void)
{
	static int32_t mix[FRAMES][2];
	static int16_t frames[FRAMES][2];
	memset(mix, 0, sizeof mix);
	for (int i = 0; i < CHANNELS; i++) {
		if (channels[i].effect) add(&channels[i], mix);
	}
	for (int i = 0; i < FRAMES; i++) {
		for (int side = 0; side < 2; side++) frames[i][side] = clamp(mix[i][side] >> HEADROOM_SHIFT);
	}
	pvm_v1_play(frames[0], FRAMES);
}

static boolean music_start(void)
{
	return true;
}

static void music_nothing(void)
{
}

static void music_volume(int volume)
{
}

static void *music_register(void *data, int length)
{
	return 0;
}

static void music_song(void *song)
{
}

static void music_play(void *song, boolean looping)
{
}

static boolean music_is_playing(void)
{
	return false;
}

music_module_t DG_music_module = {
	devices, 1, music_start, music_nothing, music_volume, music_nothing, music_nothing, music_register, music_song, music_play,
	music_nothing, music_is_playing, 0,
};
