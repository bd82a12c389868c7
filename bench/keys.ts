// What all programs sign and send.

/** Made up. */
export const KEYS = { saasId: "saas-id", apiKey: "api-key", secretKey: "secret-key" };

/** As long as those of the service: 1.1 kB. */
export const REFRESH_TOKEN: string = "A1b2C3d4e5F6g7H8-_.".repeat(58);
