unsigned other_value = 0x1234;
__attribute__((noinline)) unsigned other(unsigned x) { return x + other_value; }
unsigned main_sum(void);
__attribute__((section(".text.second"))) unsigned main(void) { return main_sum(); }
