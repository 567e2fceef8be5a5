<#
.SYNOPSIS
    Shows what allclear must know of a SharePoint farm from inside. It reads, and changes nothing.

.DESCRIPTION
    REVIEWED, NOT RUN. This script was written from Microsoft's documentation and from public
    scripts that read the same things, and was reviewed. It was NOT run against a live farm by
    those who wrote it; its syntax was checked with a grammar (tree-sitter), for want of a PowerShell.
    Read it before you run it; try it on a farm where nothing hangs on it.

    It writes one JSON document (schema allclear/evidence/1; "allclear evidence schema" prints
    its shape). What it cannot read with certainty it leaves out and says so: to allclear, what
    is left out is not known, and proves nothing.

    What it reads, and nothing else:
      farm       (Get-SPFarm).BuildVersion; the servers; the web applications, Central Administration too
      AMSI       of each web application: the feature, and AMSIBodyScanMode where there is one
      PSConfig   of each server: NeedsUpgrade, InstallStatus and GetUpgradeStatus; times of Upgrade-*.log
      packages   of each server: registry, the Windows Installer's list of applied updates (names with KB
                 numbers); application event log, source MsiInstaller, event 1036 (when they were applied)
      restart    of each server: when the IIS services and the oldest worker process were started
      modules    of each server: <globalModules> of applicationHost.config, and the signature of each file
      keys       of each server: <machineKey> of the web.config of each web application, to compare them.
                 No key and no hash of a key is put into the document. With -Remember a salted hash is
                 kept in a file of yours on this machine, to see later that the keys are other ones.

    What it does not do: change, start, stop or restart anything, rotate keys, download, hunt, or send
    anything, unless -Post says where to. Of the updates, it knows the builds of the KB numbers below;
    of later ones, tell them with -Build @{ KB5002999 = '16.0.10417.20200' }.

    Rotation of keys leaves no record that can be read. To show one: run this with -Remember FILE when
    all servers are patched and PSConfig is through; rotate and deploy; run it again with the same file.
    The rotation is then told with the time of the first run (it was later), the deployment with that of the
    last change of a web.config (it was not later): allclear counts restarts only after that.

    By hand remain: hunt, preserved, contained, and modules when there are some that Microsoft did not sign.

.PARAMETER Farm
    The farm as allclear's inventory names it; of a server without a farm, its name.
.PARAMETER Name
    Names of servers in allclear's inventory, when they are not the computers' names: @{ SPWFE1 = 'sp-fin-01' }
.PARAMETER Path
    The document. An existing file is not written over.
.PARAMETER Local
    Look at this server only. Without it every server is asked by Invoke-Command (WinRM); hand in one
    document of each server where that is not allowed.
.PARAMETER Build
    Builds of KB numbers that this script does not know.
.PARAMETER Remember
    A file of yours with salted hashes of the keys of an earlier run.
.PARAMETER Post
    Where allclear takes evidence of this farm ("token new" shows it). The token is read from the
    environment variable ALLCLEAR_TOKEN.

.EXAMPLE
    .\Get-AllclearEvidence.ps1 -Farm finance -Remember .\finance.keys
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][string] $Farm,
    [hashtable] $Name = @{},
    [string] $Path = '',
    [switch] $Local,
    [hashtable] $Build = @{},
    [string] $Remember = '',
    [string] $Post = ''
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$tool = 'collector/1@' + $env:COMPUTERNAME
if ($Path -eq '') { $Path = 'evidence-' + ($Farm -replace '[^\w.-]', '_') + '-' + (Get-Date -Format 'yyyyMMdd-HHmmss') + '.json' }
if (Test-Path -LiteralPath $Path) { throw "$Path is there already; nothing was read" }

# Builds by KB number: Microsoft's table of SharePoint updates. 'core' is language-independent.
$known = @{
    KB5002744 = @('core', '16.0.5508.1000'); KB5002741 = @('core', '16.0.10417.20027'); KB5002751 = @('core', '16.0.18526.20424')
    KB5002760 = @('core', '16.0.5513.1001'); KB5002754 = @('core', '16.0.10417.20037'); KB5002768 = @('core', '16.0.18526.20508')
    KB5002759 = @('language', '16.0.5513.1001'); KB5002753 = @('language', '16.0.10417.20037')
    KB5002771 = @('core', '16.0.5513.1002'); KB5002769 = @('core', '16.0.10417.20041'); KB5002773 = @('core', '16.0.18526.20518')
    KB5002778 = @('core', '16.0.5517.1000'); KB5002775 = @('core', '16.0.10417.20047'); KB5002784 = @('core', '16.0.19127.20100')
    KB5002788 = @('core', '16.0.5522.1000'); KB5002796 = @('core', '16.0.10417.20059'); KB5002786 = @('core', '16.0.19127.20262')
    KB5002805 = @('core', '16.0.5526.1001'); KB5002803 = @('core', '16.0.10417.20068'); KB5002800 = @('core', '16.0.19127.20338')
    KB5002821 = @('core', '16.0.5530.1000'); KB5002816 = @('core', '16.0.10417.20075'); KB5002815 = @('core', '16.0.19127.20378')
    KB5002828 = @('core', '16.0.5535.1000'); KB5002825 = @('core', '16.0.10417.20083'); KB5002822 = @('core', '16.0.19127.20442')
    KB5002827 = @('language', '16.0.5535.1000'); KB5002823 = @('language', '16.0.10417.20083'); KB5002787 = @('language', '16.0.5522.1000')
}
foreach ($kb in $Build.Keys) {
    $kind = 'core'
    if ($known.ContainsKey($kb)) { $kind = $known[$kb][0] }
    $known[$kb] = @($kind, [string] $Build[$kb])
}

function Format-Utc([datetime] $Time) { return $Time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture) }
function Write-Left([string] $What) { Write-Warning "left out: $What" }

# What is read on a server. It runs there, and gives back only what is listed here.
$look = {
    param([string[]] $Sites, [string] $Salt)
    $found = @{ updates = @(); applied = @{}; restart = $null; strangers = @(); keys = @{}; written = @{}; upgraded = $null; problems = @() }
    $installer = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products'
    foreach ($product in (Get-ChildItem -LiteralPath $installer)) {
        $patches = Join-Path $product.PSPath 'Patches'
        if (-not (Test-Path -LiteralPath $patches)) { continue }
        foreach ($patch in (Get-ChildItem -LiteralPath $patches)) {
            $p = Get-ItemProperty -LiteralPath $patch.PSPath
            if ($p.PSObject.Properties['DisplayName'] -and $p.PSObject.Properties['State'] -and $p.State -eq 1 -and $p.DisplayName -match 'SharePoint.*\((KB\d+)\)') {
                $found.updates += , @($Matches[1], [string] $p.DisplayName)
            }
        }
    }
    try {
        foreach ($e in (Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = 'MsiInstaller'; Id = 1036 } -ErrorAction Stop)) {
            if ($e.Message -match '\((KB\d+)\)') {
                $kb = $Matches[1]
                $t = $e.TimeCreated.ToUniversalTime()
                if (-not $found.applied.ContainsKey($kb) -or $found.applied[$kb] -lt $t) { $found.applied[$kb] = $t }
            }
        }
    } catch { $found.problems += "when updates were applied: $($_.Exception.Message)" }
    try {
        $times = @()
        foreach ($service in (Get-CimInstance -ClassName Win32_Service -Filter "Name='W3SVC' OR Name='WAS'")) {
            if ($service.State -ne 'Running') { throw "$($service.Name) does not run" }
            $times += (Get-Process -Id $service.ProcessId).StartTime.ToUniversalTime()
        }
        foreach ($w in @(Get-Process -Name w3wp -ErrorAction SilentlyContinue)) { $times += $w.StartTime.ToUniversalTime() }
        if ($times.Count -gt 0) { $found.restart = ($times | Sort-Object)[0] }
    } catch { $found.problems += "restart of IIS: $($_.Exception.Message)" }
    try {
        [xml] $config = Get-Content -LiteralPath (Join-Path $env:windir 'System32\inetsrv\config\applicationHost.config') -Raw
        foreach ($module in $config.SelectNodes('/configuration/system.webServer/globalModules/add')) {
            $file = [Environment]::ExpandEnvironmentVariables($module.GetAttribute('image'))
            $why = ''
            if (-not (Test-Path -LiteralPath $file)) { $why = 'file not found' } else {
                $signed = Get-AuthenticodeSignature -LiteralPath $file
                if ($signed.Status -ne 'Valid') { $why = "signature: $($signed.Status)" }
                elseif ($signed.SignerCertificate.Subject -notmatch 'O=Microsoft Corporation') { $why = 'not signed by Microsoft' }
            }
            if ($why -ne '') { $found.strangers += "$($module.GetAttribute('name')) ($file): $why" }
        }
    } catch { $found.problems += "modules: $($_.Exception.Message)"; $found.strangers += 'applicationHost.config could not be read' }
    foreach ($site in $Sites) {
        try {
            $webConfig = Join-Path $site 'web.config'
            if (-not (Test-Path -LiteralPath $webConfig)) { continue } # not served from here
            [xml] $config = Get-Content -LiteralPath $webConfig -Raw
            $key = $config.SelectSingleNode('/configuration/system.web/machineKey')
            if ($null -eq $key) { throw 'it has no machineKey' }
            $hash = [Security.Cryptography.SHA256]::Create()
            $text = $Salt + '|' + $key.GetAttribute('validationKey') + '|' + $key.GetAttribute('decryptionKey')
            $found.keys[$site] = [BitConverter]::ToString($hash.ComputeHash([Text.Encoding]::UTF8.GetBytes($text)))
            $found.written[$site] = (Get-Item -LiteralPath $webConfig).LastWriteTimeUtc
        } catch { $found.problems += "keys in ${site}: $($_.Exception.Message)"; $found.keys[$site] = '' }
    }
    $logs = Join-Path $env:CommonProgramFiles 'Microsoft Shared\Web Server Extensions\16\LOGS'
    if (Test-Path -LiteralPath $logs) {
        $last = Get-ChildItem -LiteralPath $logs -Filter 'Upgrade-*.log' | Where-Object { $_.Name -notmatch 'error' } | Sort-Object LastWriteTimeUtc | Select-Object -Last 1
        if ($null -ne $last) { $found.upgraded = $last.LastWriteTimeUtc }
    }
    return $found
}

if ($null -eq (Get-Command -Name Get-SPFarm -ErrorAction SilentlyContinue)) {
    if (Get-Module -ListAvailable -Name SharePointServer) { Import-Module SharePointServer }
    else { Add-PSSnapin Microsoft.SharePoint.PowerShell }
}

$memory = @{ salt = [guid]::NewGuid().ToString('N'); at = ''; keys = @{} }
if ($Remember -ne '' -and (Test-Path -LiteralPath $Remember)) {
    $read = Get-Content -LiteralPath $Remember -Raw | ConvertFrom-Json
    $memory.salt = $read.salt
    $memory.at = $read.at
    if ($read.at -is [datetime]) { $memory.at = Format-Utc $read.at }
    foreach ($p in $read.keys.PSObject.Properties) { $memory.keys[$p.Name] = [string] $p.Value }
}

$began = Get-Date
$spFarm = Get-SPFarm
$versions = [Microsoft.SharePoint.Administration.SPProductVersions]::GetProductVersions($spFarm)
$document = [ordered] @{ schema = 'allclear/evidence/1'; farm = $Farm; observed = ''; tool = $tool; build = $spFarm.BuildVersion.ToString() }

# Web applications: their names, where their web.config is, and AMSI.
$applications = [ordered] @{}
$paths = @{}
foreach ($app in (Get-SPWebApplication -IncludeCentralAdministration)) {
    $entry = [ordered] @{}
    $amsi = @(Get-SPFeature -WebApplication $app -Limit All | Where-Object { $_.Id -eq [guid] '4cf046f3-38c7-495f-a7da-a1292d32e8e9' })
    $mode = $null
    if ($app.PSObject.Properties['AMSIBodyScanMode']) { $mode = [int] $app.AMSIBodyScanMode }
    if ($amsi.Count -eq 0) { $entry.amsi = 'off' }
    elseif ($null -eq $mode) { $entry.amsi = 'on' }
    elseif ($mode -eq 2) { $entry.amsi = 'full' }
    elseif ($mode -eq 1) { $entry.amsi = 'balanced' }
    else { Write-Left "AMSI of $($app.DisplayName): it is on, and looks into no request bodies (mode $mode)" }
    $applications[$app.DisplayName] = $entry
    $paths[$app.DisplayName] = @($app.IisSettings.Values | ForEach-Object { $_.Path.FullName })
}
$document.items = @($applications.Keys)

# Servers.
$servers = [ordered] @{}
$seen = @{}
foreach ($server in (Get-SPServer | Where-Object { $_.Role -ne 'Invalid' })) {
    if ($Local -and $server.Address -ne $env:COMPUTERNAME) { continue }
    $called = $server.Address
    if ($Name.ContainsKey($called)) { $called = [string] $Name[$called] }
    $sites = @($paths.Values | ForEach-Object { $_ } | Select-Object -Unique)
    try {
        if ($server.Address -eq $env:COMPUTERNAME) { $f = & $look $sites $memory.salt }
        else { $f = Invoke-Command -ComputerName $server.Address -ScriptBlock $look -ArgumentList $sites, $memory.salt }
    } catch {
        Write-Left "all of $called, which could not be asked: $($_.Exception.Message)"
        continue
    }
    $entry = [ordered] @{}
    foreach ($kind in 'core', 'language') {
        $best = $null
        foreach ($update in $f.updates) {
            $kb = $update[0]
            if (-not $known.ContainsKey($kb)) {
                if ($kind -eq 'core') { Write-Left "${called}: the build of $($update[1]); tell it with -Build" }
                continue
            }
            $is = $known[$kb][0]
            if ($update[1] -match 'Language') { $is = 'language' }
            if ($is -eq $kind -and ($null -eq $best -or [version] $known[$kb][1] -gt [version] $known[$best][1])) { $best = $kb }
        }
        if ($null -eq $best) { continue }
        $package = [ordered] @{ build = $known[$best][1] }
        if ($f.applied.ContainsKey($best)) { $package.at = Format-Utc $f.applied[$best] }
        if ($kind -eq 'core') { $entry.package = $package } else { $entry.packageLanguage = $package }
    }
    $info = $versions.GetServerProductInfo($server.Id)
    if ($null -eq $info) { Write-Left "PSConfig of ${called}: the farm knows no products of it" }
    else {
        $status = $info.InstallStatus
        if ([int] $status -ne 0) { $status = $info.GetUpgradeStatus($spFarm, $server) }
        if ($server.NeedsUpgrade -or "$status" -ne 'NoActionRequired') { $entry.psconfig = [ordered] @{ state = 'needed' } }
        else {
            $entry.psconfig = [ordered] @{ state = 'done' }
            if ($null -ne $f.upgraded) { $entry.psconfig.at = Format-Utc $f.upgraded }
        }
    }
    if ($f.strangers.Count -eq 0) { $entry.modules = 'clean' }
    else { Write-Left "modules of ${called}: a person must judge these: $($f.strangers -join '; ')" }
    if ($null -ne $f.restart) { $entry.restart = [ordered] @{ at = Format-Utc $f.restart } }
    foreach ($problem in $f.problems) { Write-Left "${called}: $problem" }
    $servers[$called] = $entry
    $seen[$called] = $f
}

# Keys: the same on every server, and other ones than those that were remembered.
$asked = @($seen.Keys)
$same = ($asked.Count -gt 0)
foreach ($app in @($applications.Keys)) {
    $keys = @(); $written = @(); $whole = $true
    foreach ($called in $asked) {
        foreach ($site in $paths[$app]) {
            if (-not $seen[$called].keys.ContainsKey($site)) { continue }
            if ($seen[$called].keys[$site] -eq '') { $whole = $false; continue }
            $keys += $seen[$called].keys[$site]
            $written += $seen[$called].written[$site]
        }
    }
    $different = @($keys | Select-Object -Unique)
    if (-not $whole -or $different.Count -eq 0) { $same = $null; Write-Left "keys of ${app}: not every server showed them"; continue }
    if ($different.Count -gt 1) { $same = $false; continue }
    if ($memory.keys.ContainsKey($app) -and $memory.keys[$app] -ne $different[0] -and -not $Local) {
        $applications[$app].rotation = [ordered] @{ at = $memory.at }
        $applications[$app].deployment = [ordered] @{ at = Format-Utc (($written | Sort-Object)[-1]) }
    } elseif ($Remember -ne '' -and -not $memory.keys.ContainsKey($app)) { $memory.keys[$app] = $different[0] }
}
if ($null -ne $same -and -not $Local) {
    $word = 'no'
    if ($same) { $word = 'yes' }
    foreach ($called in $asked) { $servers[$called].keysMatch = $word }
}

$document.observed = Format-Utc (Get-Date)
$document.servers = $servers
$document.webApplications = $applications
$json = $document | ConvertTo-Json -Depth 8
[IO.File]::WriteAllText([IO.Path]::Combine((Get-Location).ProviderPath, $Path), $json, (New-Object Text.UTF8Encoding $false))
Write-Output "Written: $Path"
if ($Remember -ne '' -and $memory.at -eq '') {
    $memory.at = Format-Utc $began
    [IO.File]::WriteAllText([IO.Path]::Combine((Get-Location).ProviderPath, $Remember), ($memory | ConvertTo-Json), (New-Object Text.UTF8Encoding $false))
    Write-Output "Remembered for the next run: $Remember (salted hashes of the keys; keep it here)"
}
if ($Post -ne '') {
    if ($Post -notmatch '^https://' -or -not $env:ALLCLEAR_TOKEN) { throw '-Post needs an https address and the environment variable ALLCLEAR_TOKEN; nothing was sent' }
    [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
    Invoke-RestMethod -Method Post -Uri $Post -Headers @{ Authorization = 'Bearer ' + $env:ALLCLEAR_TOKEN } -ContentType 'application/json' -Body ([Text.Encoding]::UTF8.GetBytes($json)) | ConvertTo-Json -Depth 8
}
