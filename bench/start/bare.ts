// An empty program, to measure the start of a process alone.
export {};
