// The keys and tokens of all programs.

/** Keys that are not real. */
export const KEYS = { saasId: "saas-id", apiKey: "api-key", secretKey: "secret-key" };

/** A refresh token of 1.1 kB, like those of the service. */
export const REFRESH_TOKEN: string = "A1b2C3d4e5F6g7H8-_.".repeat(58);
