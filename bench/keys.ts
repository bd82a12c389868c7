// The keys and the token of all measuring programs.

/** Fictional keys. */
export const KEYS = { saasId: "saas-id", apiKey: "api-key", secretKey: "secret-key" };

/** Refresh token of 1.1 kB, the size of those of the service. */
export const REFRESH_TOKEN: string = "A1b2C3d4e5F6g7H8-_.".repeat(58);
