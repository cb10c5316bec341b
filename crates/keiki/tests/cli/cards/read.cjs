// Reads a card from standard input as Teams' own library does, and prints what it found: how much is wrong, and the texts.
const { AdaptiveCard, SerializationContext, Versions } = require("adaptivecards/dist/adaptivecards.js");

const card = JSON.parse(require("fs").readFileSync(0, "utf8"));
const context = new SerializationContext(Versions.v1_4);
const read = new AdaptiveCard();
read.parse(card, context);
const wrong = [];
for (let at = 0; at < context.eventCount; at++) wrong.push(context.getEventAt(at).message);
for (const event of read.validateProperties().validationEvents) wrong.push(event.message);
const texts = [];
for (let at = 0; at < read.getItemCount(); at++) texts.push(read.getItemAt(at).text);
console.log(JSON.stringify({ wrong, texts }));
