/* Empty: the engine includes it wherever sound is wanted, but uses nothing of it outside its SDL platform. */
