--- Passes rust-analyzer's diagnostics on to `sleepy lsp` as `sleepy/diagnostics`, just as they came.
--- Only where both are clients of Neovim: `sleepy lsp --wrap` hears rust-analyzer by itself.
local M = {}

--- Name of the configuration in `lsp/sleepy.lua`.
local SLEEPY = 'sleepy'

--- What each rust-analyzer said last, by file: a Sleepy that starts later is told, too. One attaches once for every
--- buffer, and an entry here says that it is listened to.
---@type table<vim.lsp.Client, table<string, table>>
local said = setmetatable({}, { __mode = 'k' })
--- Sleepy's clients that know all that was said before they came.
---@type table<vim.lsp.Client, true>
local told = setmetatable({}, { __mode = 'k' })

---@param client vim.lsp.Client rust-analyzer's
---@param uri string
---@param version integer? version of the document that the diagnostics are about
---@param diagnostics lsp.Diagnostic[]
local function forward(client, uri, version, diagnostics)
  local params = { uri = uri, version = version, diagnostics = diagnostics }
  said[client][uri] = params
  for sleepy in pairs(told) do
    if not sleepy:is_stopped() then
      sleepy:notify('sleepy/diagnostics', params)
    end
  end
end

--- Tells a Sleepy that has just come what was said before.
local function catch_up(sleepy)
  told[sleepy] = true
  for client, files in pairs(said) do
    if not client:is_stopped() then
      for _, params in pairs(files) do
        sleepy:notify('sleepy/diagnostics', params)
      end
    end
  end
end

--- Calls the handler that was there before, whichever it is by then.
---@param previous lsp.Handler?
local function call(previous, method, ...)
  local handler = previous or vim.lsp.handlers[method]
  if handler then
    return handler(...)
  end
end

--- Called for every client that attaches to a buffer. Listens to what rust-analyzer publishes (its check on save) and
--- to what it answers when asked (its own analysis). The handlers that show both still do.
---@param client_id integer
function M.watch(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  if client and client.name == SLEEPY and not told[client] then
    return catch_up(client)
  end
  local server = client and client.server_info and client.server_info.name
  -- Under --wrap the server calls itself rust-analyzer, too; it offers our commands and needs no help.
  if server ~= 'rust-analyzer' or said[client] or require('sleepy').is_ours(client) then
    return
  end
  said[client] = {}

  local publish, pull = 'textDocument/publishDiagnostics', 'textDocument/diagnostic'
  local published, pulled = client.handlers[publish], client.handlers[pull]
  -- A table of its own: the one of the configuration may belong to other clients, too.
  client.handlers = vim.tbl_extend('force', client.handlers, {
    [publish] = function(error, params, context, ...)
      if params then
        forward(client, params.uri, params.version, params.diagnostics)
      end
      return call(published, publish, error, params, context, ...)
    end,
    [pull] = function(error, result, context, ...)
      if result and result.items then
        forward(client, context.params.textDocument.uri, context.version, result.items)
      end
      return call(pulled, pull, error, result, context, ...)
    end,
  })
end

return M
