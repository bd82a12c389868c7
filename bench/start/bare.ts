// An empty program, for the time of a process that does nothing.
export {};
