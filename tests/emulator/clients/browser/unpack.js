// Unpacks the browser of the package, and the libraries it may miss, into this folder.
const fs = require("fs");
const path = require("path");
const zlib = require("zlib");

const from = path.join(__dirname, "node_modules", "@sparticuz", "chromium", "bin");
const unpacked = (name) => zlib.brotliDecompressSync(fs.readFileSync(path.join(from, name)));
fs.writeFileSync(path.join(__dirname, "chromium"), unpacked("chromium.br"), { mode: 0o755 });
fs.writeFileSync(path.join(__dirname, "libraries.tar"), unpacked("al2023.tar.br"));
