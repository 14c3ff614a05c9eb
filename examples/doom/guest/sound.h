/* Sound effects: what the platform needs of them. */
#ifndef SOUND_H
#define SOUND_H

/* Plays what sounds during one tick, a 35th of a second. */
void sound_play_tick(void);

#endif
