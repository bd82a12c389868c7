// An empty program, to measure the start of a process.
export {};
