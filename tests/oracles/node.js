// node.js PORT: says of each request what Node understood, one JSON a line.
'use strict';
const fs = require('fs');
const http = require('http');

function pairs(raw) {
	const fields = [];
	for (let i = 0; i < raw.length; i += 2)
		fields.push([raw[i], raw[i + 1]]);
	return fields;
}

http.createServer({ maxHeaderSize: 65536 }, (request, response) => {
	const pieces = [];
	request.on('data', (piece) => pieces.push(piece));
	request.on('end', () => {
		fs.writeSync(1, JSON.stringify({
			method: request.method,
			target: request.url,
			host: request.headers.host,
			fields: pairs(request.rawHeaders),
			body: Buffer.concat(pieces).toString('hex'),
		}) + '\n');
		response.end('fine\n');
	});
}).listen(Number(process.argv[2]), '127.0.0.1');
