/*
 * consul_client.js PORT TOKEN: what npm's `consul' finds in the double of Consul,
 * which wants that token.  Says what was not as it must be and ends with 1.
 */
'use strict';
const assert = require('assert');
const http = require('http');
const Consul = require('consul');

const [port, token] = process.argv.slice(2);
const consul = new Consul({ port, defaults: { token } });
const addresses = (found) => found.map((e) => e.Service.ID).sort().join();

/* What npm's client has no word for: weights, and the double's own doings. */
function put(path, body)
{
	return new Promise((done, failed) => {
		const q = http.request({ port, path, method: 'PUT',
			headers: { 'X-Consul-Token': token } }, (r) => {
			r.resume();
			r.on('end', () => r.statusCode === 200 ? done()
			    : failed(new Error(path + ': ' + r.statusCode)));
		});

		q.on('error', failed);
		q.end(body);
	});
}

/* The next thing of that kind that a watch says. */
function next(watch, kind)
{
	return new Promise((done) => watch.once(kind, done));
}

async function fails(promise, status)
{
	await assert.rejects(promise, (e) => e.response
	    ? e.response.statusCode === status : e.statusCode === status);
}

async function comesAndGoes()
{
	const web = { name: 'web', tags: [ 'v2', 'blue' ], address: '10.0.0.1',
		port: 80, meta: { zone: 'a' }, check: { ttl: '1h' } };

	await consul.agent.service.register({ ...web, id: 'web1' });
	await consul.agent.service.register({ ...web, id: 'web2', tags: [],
		meta: { zone: 'b' } });
	assert.equal(addresses(await consul.health.service('web')), 'web1,web2');
	assert.equal((await consul.health.service({ service: 'web',
		passing: true })).length, 0);
	await consul.agent.check.pass('service:web1');
	await consul.agent.check.warn('service:web2');
	const found = await consul.health.service({ service: 'web',
		passing: true });
	assert.equal(addresses(found), 'web1');
	assert.equal(found[0].Service.Address, '10.0.0.1');
	assert.equal(found[0].Service.Port, 80);
	assert.equal(found[0].Service.Meta.zone, 'a');
	assert.deepEqual(found[0].Service.Weights, { Passing: 1, Warning: 1 });
	assert.equal(found[0].Node.Node, 'agent');
	assert.equal(found[0].Checks.length, 2);
	assert.equal(addresses(await consul.health.service({ service: 'web',
		tag: 'V2' })), 'web1');
	assert.equal(addresses(await consul.health.service({ service: 'web',
		filter: 'Service.Meta.zone == "b"' })), 'web2');
	assert.equal(addresses(await consul.health.service({ service: 'web',
		filter: 'Service.Meta.zone != "b"', stale: true })), 'web1');
	await consul.agent.service.deregister('web2');
	assert.equal(addresses(await consul.health.service('web')), 'web1');
	assert.deepEqual((await consul.catalog.service.list()).web,
	    [ 'v2', 'blue' ]);
	await put('/v1/agent/service/register', JSON.stringify({ Name: 'w',
		Weights: { Passing: 7, Warning: 2 } }));
	assert.equal((await consul.health.service('w'))[0].Service.Weights
	    .Passing, 7);
}

async function refuses()
{
	await fails(consul.health.service({ service: 'web', token: 'wrong' }),
	    403);
	await fails(consul.health.service({ service: 'web', dc: 'nowhere' }),
	    500);
	await fails(consul.health.service({ service: 'web', filter: 'nonsense' }),
	    400);
	await fails(consul.agent.service.deregister('nobody'), 404);
	await fails(consul.agent.check.pass('nobody'), 404);
	const r = await new Consul({ port }).health.service('web');
	assert.equal(r.length, 0);
}

function watchFor(wait)
{
	return consul.watch({ method: consul.health.service,
		options: { service: 'web', wait }, backoffFactor: 5 });
}

async function blocks()
{
	const began = Date.now();
	const watch = watchFor('300s');

	assert.equal(addresses(await next(watch, 'change')), 'web1');
	for (let i = 0; i < 5; i++) {
		const news = next(watch, 'change');

		await put('/v1/agent/service/register',
		    JSON.stringify({ Name: 'web', ID: 'web' + (i + 3) }));
		assert.equal((await news).length, i + 2);
	}
	assert.ok(Date.now() - began < 250000, 'it waited for its time-out');
	watch.end();
}

/* Its waits are short: what was rewound before it asks says so only then. */
async function goesWrong()
{
	const watch = watchFor('1s');

	assert.equal((await next(watch, 'change')).length, 6);
	/* A body that ends too early it does not notice, and waits for ever. */
	for (const fault of [ 'error', 'busy', 'garbage', 'index-zero' ]) {
		const failure = next(watch, 'error');

		await put('/double/fault/' + fault);
		await failure;
		await put('/double/fault/well');
	}
	const emptied = next(watch, 'change');
	await put('/double/touch');
	assert.equal((await emptied).length, 6);
	const rewound = next(watch, 'change');
	await put('/double/rewind/3');
	assert.equal((await rewound).length, 6);
	const again = next(watch, 'change');
	await put('/v1/agent/service/deregister/web1');
	await again;
	watch.end();
}

(async () => {
	await comesAndGoes();
	await refuses();
	await blocks();
	await goesWrong();
	process.exit(0);
})().catch((e) => {
	console.error(e);
	process.exit(1);
});
