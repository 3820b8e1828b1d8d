// A provider of single sign-on for the tests, as a process of its own. It is told where its package lies, and may be
// told a port. Prints its address; each line on standard input says what its next tokens claim and in which way they
// are wrong, and is answered with `ok`.
import { createHmac, createPublicKey, createSign, generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const tools = process.argv[2];
const { OAuth2Server } = await import(
  pathToFileURL(`${tools}/node_modules/oauth2-mock-server/dist/index.mjs`).href
);

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(Number(process.argv[3] ?? 0), "127.0.0.1");
server.issuer.url = `http://127.0.0.1:${server.address().port}`;
let next = {};

server.service.on("beforeTokenSigning", (token) => {
  // Access tokens have no audience here, and nobody reads them.
  if (token.payload.aud !== undefined) Object.assign(token.payload, next.claims);
});

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const forgeries = {
  "alg-none": (header, payload) => `${encode({ ...header, alg: "none" })}.${payload}.`,
  "shared-secret": (header, payload) => {
    const key = server.issuer.keys.toJSON()[0];
    const pem = createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
    const signed = `${encode({ ...header, alg: "HS256" })}.${payload}`;
    return `${signed}.${createHmac("sha256", pem).update(signed).digest("base64url")}`;
  },
  "other-key": (header, payload) => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signed = `${encode(header)}.${payload}`;
    return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
  },
  "changed-claims": (header, payload, signature) => {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    return `${encode(header)}.${encode({ ...claims, sub: "another" })}.${signature}`;
  },
};

server.service.on("beforeResponse", (response) => {
  const forge = forgeries[next.forgery];
  if (!forge) return;
  const [header, payload, signature] = response.body.id_token.split(".");
  response.body.id_token = forge(JSON.parse(Buffer.from(header, "base64url").toString()), payload, signature);
});

console.log(server.issuer.url);
for await (const line of createInterface({ input: process.stdin })) {
  next = JSON.parse(line);
  if (next.rotate) await server.issuer.keys.generate("RS256");
  console.log("ok");
}
// Whoever started this is gone.
await server.stop();
