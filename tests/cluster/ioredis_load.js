// Increments the keys given as words behind the port, in turn, until its input ends; then tells what it was told:
// for each key how many increments were acknowledged, before and after the word "mark" came, and all errors.
const Redis = require("ioredis");

const [port, ...keys] = process.argv.slice(2);
const cluster = new Redis.Cluster([{ host: "127.0.0.1", port: Number(port) }], { scaleReads: "master" });
const told = { before: {}, after: {}, errors: [] };
let counts = told.before;
let ends = false;

cluster.on("error", () => {}); // each command that fails is told of below
process.stdin.on("data", (data) => {
  if (String(data).includes("mark")) counts = told.after;
});
process.stdin.on("end", () => { ends = true; });

async function increment(key) {
  const into = counts;
  try {
    await cluster.incr(key);
    into[key] = (into[key] || 0) + 1;
    if (into[key] === 10) console.log(key);
  } catch (error) {
    told.errors.push([into === told.after, key, String(error)]);
  }
}

async function main() {
  while (!ends) {
    await Promise.all(keys.map(increment));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log(JSON.stringify(told));
  cluster.disconnect();
}

main();
