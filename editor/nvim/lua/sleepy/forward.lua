--- Passes rust-analyzer's diagnostics on to `sleepy lsp` as `sleepy/diagnostics`, just as they came.
--- Only where both are clients of Neovim: `sleepy lsp --wrap` hears rust-analyzer by itself.
local M = {}

--- Name of the configuration in `lsp/sleepy.lua`.
local SLEEPY = 'sleepy'

--- Clients that are listened to; one attaches once for every buffer.
---@type table<vim.lsp.Client, true>
local watched = setmetatable({}, { __mode = 'k' })

---@param uri string
---@param version integer? version of the document that the diagnostics are about
---@param diagnostics lsp.Diagnostic[]
local function forward(uri, version, diagnostics)
  for _, client in ipairs(vim.lsp.get_clients({ name = SLEEPY })) do
    client:notify('sleepy/diagnostics', { uri = uri, version = version, diagnostics = diagnostics })
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

--- Listens to what a client publishes (its check on save) and to what it answers when asked (its own analysis).
--- The handlers that show both still do.
---@param client_id integer
function M.watch(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  local server = client and client.server_info and client.server_info.name
  -- Under --wrap the server calls itself rust-analyzer, too; it offers our commands and needs no help.
  if server ~= 'rust-analyzer' or watched[client] or require('sleepy').is_ours(client) then
    return
  end
  watched[client] = true

  local publish, pull = 'textDocument/publishDiagnostics', 'textDocument/diagnostic'
  local published, pulled = client.handlers[publish], client.handlers[pull]
  -- A table of its own: the one of the configuration may belong to other clients, too.
  client.handlers = vim.tbl_extend('force', client.handlers, {
    [publish] = function(error, params, context, ...)
      if params then
        forward(params.uri, params.version, params.diagnostics)
      end
      return call(published, publish, error, params, context, ...)
    end,
    [pull] = function(error, result, context, ...)
      if result and result.items then
        forward(context.params.textDocument.uri, context.version, result.items)
      end
      return call(pulled, pull, error, result, context, ...)
    end,
  })
end

return M
