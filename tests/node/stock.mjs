// A stock keeper on Express, traced by the official X-Ray SDK for Node.
//
// Prints `listening PORT` when it serves, and serves until it is ended.

import AWSXRay from "aws-xray-sdk-core";
import xrayExpress from "aws-xray-sdk-express";
import express from "express";

const app = express();
app.use(xrayExpress.openSegment("stock"));

app.get("/stock/:item", (request, response) => {
  const segment = AWSXRay.getSegment();
  segment.addAnnotation("shelf", `S-${request.params.item}`);
  AWSXRay.captureAsyncFunc("count", (subsegment) => {
    subsegment.addAnnotation("exact", true);
    subsegment.addMetadata("shelves", [3, 4], "stock");
    setImmediate(() => {
      subsegment.close();
      response.json({ left: 12 });
    });
  });
});

app.get("/broken", (request, response) => {
  AWSXRay.captureFunc("forklift", (subsegment) => {
    subsegment.addError(new RangeError("forklift 4 is out of range"));
  });
  response.status(503).json({ error: "no forklift" });
});

app.use(xrayExpress.closeSegment());

const server = app.listen(0, "127.0.0.1", () => {
  console.log("listening", server.address().port);
});
